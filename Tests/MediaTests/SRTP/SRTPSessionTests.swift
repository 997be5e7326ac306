import CMediaIO
import Glibc
import Testing

@testable import Media

@Suite("SRTP", .tags(.engine))
struct SRTPSessionTests {
    static func octets(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }

    private struct NoSuchFunction: Error {}

    // MARK: the kernel

    /// Runs the AES-CM cipher that libsrtp's kernel has now: `count` octets of keystream.
    static func keystream(key: [UInt8], iv: [UInt8], count: Int) throws -> [UInt8] {
        // Exported by libsrtp2, but not in its installed headers.
        typealias Allocate = @convention(c) (UInt32, UnsafeMutablePointer<OpaquePointer?>, Int32, Int32) -> Int32
        typealias Keyed = @convention(c) (OpaquePointer?, UnsafePointer<UInt8>) -> Int32
        typealias Position = @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>, Int32) -> Int32
        typealias Crypt =
            @convention(c) (
                OpaquePointer?, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>
            ) -> Int32
        typealias Release = @convention(c) (OpaquePointer?) -> Int32
        func function<T>(_ name: String, _ type: T.Type) throws -> T {
            guard let symbol = dlsym(nil, name) else { throw NoSuchFunction() }
            return unsafeBitCast(symbol, to: type)
        }
        var cipher: OpaquePointer?
        #expect(try function("srtp_crypto_kernel_alloc_cipher", Allocate.self)(1, &cipher, 30, 0) == 0)
        #expect(try function("srtp_cipher_init", Keyed.self)(cipher, key) == 0)
        var iv = iv
        #expect(try function("srtp_cipher_set_iv", Position.self)(cipher, &iv, 0) == 0)
        var output = [UInt8](repeating: 0, count: count)
        var length = UInt32(count)
        #expect(try function("srtp_cipher_encrypt", Crypt.self)(cipher, &output, &length) == 0)
        #expect(try function("srtp_cipher_dealloc", Release.self)(cipher) == 0)
        return output
    }

    @Test func runsOnOpenSSL() throws {
        #expect(SRTPLibrary.kernel == .openSSL)
        let before = cmio_srtp_keys_set()
        _ = try SRTPSession(keys: TestCall.keys)
        // At least an AES key and an HMAC key for SRTP and for SRTCP, of both directions.
        #expect(cmio_srtp_keys_set() >= before + 8)
    }

    /// RFC 3711 B.2.
    @Test func keystreamOfTheRFC() throws {
        #expect(SRTPLibrary.kernel == .openSSL)
        let key = Self.octets("2B7E151628AED2A6ABF7158809CF4F3CF0F1F2F3F4F5F6F7F8F9FAFBFCFD")
        let stream = try Self.keystream(key: key, iv: [UInt8](repeating: 0, count: 16), count: 0xff02 * 16)
        #expect(Array(stream[0..<16]) == Self.octets("E03EAD0935C95E80E166B16DD92B4EB4"))
        #expect(Array(stream[16..<32]) == Self.octets("D23513162B02D0F72A43A2FE4A5F97AB"))
        #expect(Array(stream[32..<48]) == Self.octets("41E95B3BB0A2E8DD477901E4FCA894C0"))
        #expect(Array(stream[0xfeff * 16..<0xff00 * 16]) == Self.octets("EC8CDF7398607CB0F2D21675EA9EA1E4"))
        #expect(Array(stream[0xff00 * 16..<0xff01 * 16]) == Self.octets("362B7C3C6773516318A077D7FC5073AE"))
        #expect(Array(stream[0xff01 * 16..<0xff02 * 16]) == Self.octets("6A2CC3787889374FBEB4C81B17BA6C44"))
    }

    /// RFC 3711 B.3: session keys are keystream at the label.
    @Test(arguments: [
        ("cipher key", UInt8(0), "C61E7A93744F39EE10734AFE3FF7A087"),
        ("cipher salt", 2, "30CBBC08863D8C85D49DB34A9AE1"),
        ("auth key", 1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
    ])
    func keyDerivationOfTheRFC(_ name: String, _ label: UInt8, _ expected: String) throws {
        #expect(SRTPLibrary.kernel == .openSSL)
        var iv = [UInt8](repeating: 0, count: 16)
        iv[7] = label
        let wanted = Self.octets(expected)
        #expect(try Self.keystream(key: Self.octets(Self.masterOfB3), iv: iv, count: wanted.count) == wanted)
    }

    static let masterOfB3 = "E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6"

    /// Keys of B.3 through the whole of libsrtp: IV, encryption and tag of one packet.
    @Test func packetUnderTheKeysOfTheRFC() throws {
        let master = Self.octets(Self.masterOfB3)
        let keys = try SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: master, send: master)
        let wire = Wire(keys)
        let plain = Self.octets("800F1234DECAFBADCAFEBABE") + [UInt8](repeating: 0xab, count: 16)
        let expected = "800F1234DECAFBADCAFEBABE4E55DC4CE79978D88CA4D215949D2402B78D6ACC99EA179B8DBB"
        #expect(wire.protect(plain) == Self.octets(expected))
    }

    // MARK: sessions

    /// One end of a protected stream, on arrays.
    final class Wire {
        private var session: SRTPSession
        private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 64)

        init(_ keys: SRTPKeys) {
            session = try! SRTPSession(keys: keys)  // keys of the tests are well formed
        }

        deinit {
            memory.deallocate()
        }

        func run(
            _ octets: [UInt8], _ operation: (inout SRTPSession, UnsafeMutableRawBufferPointer, inout Int) -> SRTPOutcome
        ) -> (SRTPOutcome, [UInt8]) {
            memory.copyBytes(from: octets)
            var length = octets.count
            let outcome = operation(&session, memory, &length)
            return (outcome, outcome == .ok ? [UInt8](memory[0..<length]) : [])
        }

        func protect(_ octets: [UInt8]) -> [UInt8] { run(octets) { $0.protect($1, length: &$2) }.1 }
        func unprotect(_ octets: [UInt8]) -> (SRTPOutcome, [UInt8]) { run(octets) { $0.unprotect($1, length: &$2) } }
        func protectRTCP(_ octets: [UInt8]) -> [UInt8] { run(octets) { $0.protectRTCP($1, length: &$2) }.1 }
        func unprotectRTCP(_ octets: [UInt8]) -> (SRTPOutcome, [UInt8]) {
            run(octets) { $0.unprotectRTCP($1, length: &$2) }
        }
    }

    static func pair(_ suite: SRTPSuite = .aesCM128HMACSHA1_80) throws -> (Wire, Wire) {
        let one: [UInt8] = Array(1...30)
        let two: [UInt8] = Array(61...90)
        return (
            Wire(try SRTPKeys(suite: suite, receive: one, send: two)),
            Wire(try SRTPKeys(suite: suite, receive: two, send: one))
        )
    }

    static func packet(_ sequenceNumber: UInt16, ssrc: UInt32 = 7, payload: [UInt8] = Array(0..<60)) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 12)
        octets.withUnsafeMutableBytes { octets in
            RTPHeader(
                marker: false, payloadType: 111, sequenceNumber: sequenceNumber,
                timestamp: UInt32(sequenceNumber) &* 960, ssrc: ssrc
            ).write(into: octets)
        }
        return octets + payload
    }

    @Test(arguments: [(SRTPSuite.aesCM128HMACSHA1_80, 10), (.aesCM128HMACSHA1_32, 4)])
    func goesThereAndBack(_ suite: SRTPSuite, _ tag: Int) throws {
        let (one, two) = try Self.pair(suite)
        let plain = Self.packet(1)
        let wire = one.protect(plain)
        #expect(wire.count == plain.count + tag)
        #expect(wire[12..<plain.count] != plain[12...])
        #expect(two.unprotect(wire) == (.ok, plain))
        let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 7]
        let wireReport = one.protectRTCP(report)
        // Index and the 80 bit tag, which SRTCP has in both suites.
        #expect(wireReport.count == report.count + 4 + 10)
        #expect(two.unprotectRTCP(wireReport) == (.ok, report))
    }

    @Test func refusesReplays() throws {
        let (one, two) = try Self.pair()
        let wires = (0..<1_100).map { one.protect(Self.packet(UInt16($0))) }
        for wire in wires { #expect(two.unprotect(wire).0 == .ok) }
        #expect(two.unprotect(wires[1_099]).0 == .replayed)
        #expect(two.unprotect(wires[500]).0 == .replayed)
        #expect(two.unprotect(wires[3]).0 == .replayed, "older than the window")
    }

    @Test func refusesOtherKeys() throws {
        let (one, _) = try Self.pair()
        let wrong = Wire(
            try SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: [UInt8](repeating: 5, count: 30), send: Array(1...30)))
        #expect(wrong.unprotect(one.protect(Self.packet(1))).0 == .unauthenticated)
    }

    @Test("One flipped bit anywhere is noticed", arguments: [1, 2, 5, 9, 12, 40, 71, 72, 81])
    func refusesTampering(_ position: Int) throws {
        let (one, two) = try Self.pair()
        var wire = one.protect(Self.packet(1))
        wire[position] ^= 0x10
        #expect(two.unprotect(wire).0 == .unauthenticated)
        wire[position] ^= 0x10
        #expect(two.unprotect(wire).0 == .ok, "the forgery left no trace")
    }

    @Test func refusesShortPackets() throws {
        let (one, two) = try Self.pair()
        let wire = one.protect(Self.packet(1))
        for length in 0..<22 {
            #expect(two.unprotect(Array(wire.prefix(length))).0 != .ok)
            #expect(two.unprotectRTCP(Array(wire.prefix(length))).0 != .ok)
        }
        #expect(two.unprotect(wire).0 == .ok)
    }

    @Test func followsTheRolloverCounter() throws {
        let (one, two) = try Self.pair()
        var held: [UInt8] = []
        for step in 0..<40 {
            let number = UInt16(65_516) &+ UInt16(step)
            let wire = one.protect(Self.packet(number))
            #expect(!wire.isEmpty)
            if number == 65_535 {
                held = wire
            } else {
                #expect(two.unprotect(wire).0 == .ok)
            }
        }
        #expect(two.unprotect(held).0 == .ok, "a packet from before the wrap, late")
        // The same sequence number under another rollover counter is another packet.
        #expect(two.unprotect(held).0 == .replayed)
    }

    @Test func boundsTheSources() throws {
        let (one, two) = try Self.pair()
        for ssrc in 1...UInt32(SRTPSession.maxSources) {
            #expect(two.unprotect(one.protect(Self.packet(1, ssrc: ssrc))).0 == .ok)
        }
        #expect(two.unprotect(one.protect(Self.packet(1, ssrc: 99))).0 == .unauthenticated)
        #expect(two.unprotect(one.protect(Self.packet(2, ssrc: 1))).0 == .ok)
    }

    @Test func neverSendsOneNumberTwice() throws {
        let (one, _) = try Self.pair()
        #expect(!one.protect(Self.packet(5)).isEmpty)
        #expect(one.protect(Self.packet(5, payload: [1])).isEmpty)
    }

    // MARK: keys

    @Test(arguments: [0, 16, 29, 31]) func refusesKeysOfOtherLengths(_ count: Int) {
        #expect(throws: MediaError.self) {
            try SRTPKeys(
                suite: .aesCM128HMACSHA1_80, receive: [UInt8](repeating: 0, count: count), send: Array(1...30))
        }
    }

    @Test func keysAreNotPrinted() throws {
        let keys = try SRTPKeys(
            suite: .aesCM128HMACSHA1_80, receive: [UInt8](repeating: 213, count: 30),
            send: [UInt8](repeating: 214, count: 30))
        let parameters = LegParameters(
            remote: try #require(MediaAddress("192.0.2.1", port: 4_000)), audioPayloadType: 111, srtp: keys, ssrc: 1,
            cname: "x")
        var dumped = ""
        dump(parameters, to: &dumped)
        for text in ["\(keys)", String(reflecting: keys), "\(parameters)", dumped] {
            #expect(!text.contains("213"))
            #expect(!text.contains("214"))
        }
    }
}
