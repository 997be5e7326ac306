internal import Crypto
internal import Foundation
internal import Glibc

/// Whose secret it is: part of what is authenticated, so that a sealed secret opens only where it belongs.
public enum SecretOwner: Sendable, Hashable {
    /// `sip_user_password` of a business number.
    case number(String)
    /// Password of a PBX peer.
    case peer(String)

    fileprivate var authenticated: [UInt8] {
        switch self {
        case .number(let number): Array("ibis/number/\(number)/password".utf8)
        case .peer(let name): Array("ibis/peer/\(name)/password".utf8)
        }
    }

    /// For messages.
    var words: String {
        switch self {
        case .number(let number): "the number \(number)"
        case .peer(let name): "the peer \(name)"
        }
    }

    /// What sets the password again.
    var command: String {
        switch self {
        case .number(let number): "ibis number add \(number) … --replace --password-stdin"
        case .peer(let name): "ibis peer add \(name) … --replace --password-stdin"
        }
    }
}

/// A secret as it lies in the store.
///
/// One octet for the form (1), four that name the key, and what AES-GCM makes: nonce (12), ciphertext, tag (16).
public struct SealedSecret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    let octets: [UInt8]

    init(octets: [UInt8]) { self.octets = octets }

    public var description: String { "sealed" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Seals the secrets of the store with AES-256-GCM (design §5). Whoever has the store alone, a backup of it for instance,
/// has none of them.
public struct SecretBox: Sendable {
    private static let form: UInt8 = 1
    private static let overhead = 1 + 4 + 12 + 16
    static let mostOctets = 1_024

    private let key: SymmetricKey
    /// First octets of the key's hash: tells "another key" from "changed".
    private let keyName: [UInt8]
    /// Where the key came from, for messages.
    private let origin: String

    /// - Parameter key: 32 octets.
    init(key: [UInt8], origin: String) {
        precondition(key.count == 32, "the key of the store has 256 bits")
        self.key = SymmetricKey(data: key)
        keyName = Array(SHA256.hash(data: Array("ibis/store key/".utf8) + key).prefix(4))
        self.origin = origin
    }

    // MARK: The key

    /// The key in `text`, else that in the file.
    ///
    /// - Parameters:
    ///   - text: 64 hexadecimal digits, from the environment; empty or nil: the file.
    ///   - making: writes a new key, readable by this user alone, when there is no file.
    /// - Throws: `.key` when there is none, or none that can be used.
    public static func open(keyFile path: String, text: String?, making: Bool) throws(StoreError) -> SecretBox {
        if let text, !text.isEmpty {
            guard let key = octets(hex: text) else {
                throw StoreError(
                    code: .key, message: "IBIS_STORE_KEY is no key",
                    remedy: "it must be 64 hexadecimal digits, such as openssl rand -hex 32 writes")
            }
            return SecretBox(key: key, origin: "IBIS_STORE_KEY")
        }
        if let key = try read(path) { return SecretBox(key: key, origin: path) }
        guard making else {
            throw StoreError(
                code: .key, message: "the key file \(path) is not there, and the store has passwords",
                remedy: "put it back, or name it with store.keyFile")
        }
        try make(path)
        guard let key = try read(path) else {
            throw StoreError(
                code: .key, message: "the key file \(path) has gone again", remedy: "see what removes it")
        }
        return SecretBox(key: key, origin: path)
    }

    /// Nil when there is no such file.
    private static func read(_ path: String) throws(StoreError) -> [UInt8]? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw StoreError(
                code: .key, message: "cannot read the key file \(path) (\(String(cString: strerror(errno))))",
                remedy: "run as the user who owns it")
        }
        defer { close(descriptor) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 == 0 else {
            throw StoreError(
                code: .key, message: "other users may read the key file \(path)", remedy: "chmod 600 \(path)")
        }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).filter { !$0.isWhitespace }
        guard let key = octets(hex: text) else {
            throw StoreError(
                code: .key, message: "the key file \(path) holds no key",
                remedy: "it must be 64 hexadecimal digits, such as openssl rand -hex 32 writes; put the right file back"
            )
        }
        return key
    }

    /// All of it or nothing, and never over another's: two processes may do this at once.
    private static func make(_ path: String) throws(StoreError) {
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let text = key.map { octet in (octet < 16 ? "0" : "") + String(octet, radix: 16) }.joined() + "\n"
        let draft = "\(path).\(getpid())"
        let descriptor = Glibc.open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        let isWritten = descriptor >= 0 && write(descriptor, text, text.utf8.count) == text.utf8.count
        let isKept = isWritten && fsync(descriptor) == 0 && (link(draft, path) == 0 || errno == EEXIST)
        let reason = String(cString: strerror(errno))
        if descriptor >= 0 {
            close(descriptor)
            unlink(draft)
        }
        guard isKept else {
            throw StoreError(
                code: .key, message: "cannot make the key file \(path) (\(reason))",
                remedy: "see that its directory exists and that this user may write there, or set store.keyFile")
        }
    }

    private static func octets(hex text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { octet in UInt8(String(UnicodeScalar(octet)), radix: 16) }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        return (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
    }

    // MARK: Sealing

    /// - Throws: `.invalid` when the secret is empty or longer than 1,024 octets.
    public func seal(_ secret: String, for owner: SecretOwner) throws(StoreError) -> SealedSecret {
        guard (1...SecretBox.mostOctets).contains(secret.utf8.count),
            !secret.unicodeScalars.contains(where: \.isControl)
        else {
            throw StoreError(
                code: .invalid, message: "the password is empty, too long, or has control characters in it",
                remedy: "give one line of 1 to \(SecretBox.mostOctets) octets")
        }
        do {
            let box = try AES.GCM.seal(Array(secret.utf8), using: key, authenticating: owner.authenticated)
            // Present with the usual nonce of 12 octets.
            guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
            return SealedSecret(octets: [SecretBox.form] + keyName + Array(combined))
        } catch {
            throw StoreError(code: .key, message: "the password cannot be sealed (\(error))", remedy: "try again")
        }
    }

    /// - Throws: `.key` when it was sealed with another key, for another row, or was changed.
    public func open(_ sealed: SealedSecret, for owner: SecretOwner) throws(StoreError) -> String {
        let octets = sealed.octets
        guard octets.count >= SecretBox.overhead, octets.first == SecretBox.form else {
            throw StoreError(
                code: .key, message: "the password of \(owner.words) has a form that this version does not know",
                remedy: "set it again: \(owner.command)")
        }
        guard octets[1..<5].elementsEqual(keyName) else {
            throw StoreError(
                code: .key,
                message: "the password of \(owner.words) was sealed with another key than that of \(origin)",
                remedy: "put the right key there, or set the password again: \(owner.command)")
        }
        do {
            let box = try AES.GCM.SealedBox(combined: octets[5...])
            let secret = try AES.GCM.open(box, using: key, authenticating: owner.authenticated)
            return String(decoding: secret, as: UTF8.self)
        } catch {
            throw StoreError(
                code: .key, message: "the password of \(owner.words) was changed in the store",
                remedy: "set it again: \(owner.command)")
        }
    }
}

extension SecretBox: CustomStringConvertible, CustomReflectable {
    public var description: String { "SecretBox" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 32 || value == 127 }
}
