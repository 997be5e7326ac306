import Glibc

/// What is wrong with a WAV file.
public enum WAVError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operating system refused, with its `errno`.
    case cannotOpen(path: String, errno: Int32)
    case cannotRead(errno: Int32)
    case cannotWrite(errno: Int32)
    case notAFile(path: String)
    /// `found` says what the first octets look like.
    case notWAV(found: String)
    /// The file ends inside its headers; octets.
    case truncatedHeader(needed: Int, have: Int)
    /// There is no `fmt ` chunk before the sound, or no `data` chunk.
    case missingChunk(String)
    case malformedFormat(String)
    case unsupportedEncoding(String)
    case unsupportedChannels(Int)
    case unsupportedRate(Int)
    /// In seconds.
    case tooLong(seconds: Int, limit: Int)

    /// What is wrong, as a clause.
    public var message: String {
        switch self {
        case .cannotOpen(let path, let errno): "\(path) cannot be opened: \(WAVError.text(errno))"
        case .cannotRead(let errno): "the file cannot be read: \(WAVError.text(errno))"
        case .cannotWrite(let errno): "the file cannot be written: \(WAVError.text(errno))"
        case .notAFile(let path): "\(path) is not a regular file"
        case .notWAV(let found): "this is no WAV file but \(found)"
        case .truncatedHeader(let needed, let have): "the file ends at \(have) octets, inside headers of \(needed)"
        case .missingChunk(let name): "the file has no “\(name)” chunk where it must stand"
        case .malformedFormat(let reason): "the format chunk makes no sense: \(reason)"
        case .unsupportedEncoding(let name): "the sound is coded as \(name)"
        case .unsupportedChannels(let count): "the file has \(count) channels"
        case .unsupportedRate(let rate): "the file has \(rate) samples a second"
        case .tooLong(let seconds, let limit): "the sound lasts \(seconds) s, more than the \(limit) s allowed"
        }
    }

    /// What to do about it.
    public var remedy: String {
        switch self {
        case .cannotOpen, .cannotRead, .notAFile: "check the path and that this user may use it"
        case .cannotWrite: "check the free space and that this user may write there"
        case .truncatedHeader, .missingChunk, .malformedFormat:
            "the file is damaged: export or copy it again"
        case .notWAV, .unsupportedEncoding, .unsupportedChannels, .unsupportedRate:
            "convert it to 16-bit mono, for example: sox in.xyz -r 48000 -b 16 -c 1 -e signed-integer out.wav"
        case .tooLong: "shorten it, or cut it in parts"
        }
    }

    public var description: String { "\(message); \(remedy)" }

    private static func text(_ errno: Int32) -> String {
        guard let text = strerror(errno) else { return "error \(errno)" }
        return String(cString: text)
    }
}
