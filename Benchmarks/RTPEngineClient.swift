import Foundation
import Media

/// Debian's rtpengine in a process of its own, in user space, with the same calls as our engine: SRTP with keys in the SDP
/// on one side, RTP on the other.
final class RTPEngineClient: MediaUnderTest {
    let name = "rtpengine"
    private(set) var calls: [CallUnderTest] = []
    private static let port: UInt16 = 27_222
    private let process = Process()
    private let socket: Side
    private var cookie = 0

    static let path = ["/usr/bin/rtpengine", "/usr/sbin/rtpengine"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    init(path: String, calls: Int, sides: [Side]) throws {
        socket = try Side("127.0.0.1")
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = [
            "--config-file=none", "--foreground", "--log-stderr", "--log-level=2", "--table=-1",
            "--interface=127.0.0.1", "--listen-ng=127.0.0.1:\(Self.port)", "--port-min=40000", "--port-max=49999",
            "--num-threads=\(ProcessInfo.processInfo.activeProcessorCount)",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        do {
            self.calls = try (0..<calls).map { try place("bench-\($0)", sides) }
            // Another one on the same port would have answered in its place.
            guard process.isRunning else { throw BenchError(description: "rtpengine did not start") }
        } catch {
            stop()
            throw error
        }
    }

    func usage() throws -> CPUTime { try CPUTime.ofProcess(process.processIdentifier) }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    private func place(_ id: String, _ sides: [Side]) throws -> CallUnderTest {
        let key = (0..<30).map { UInt8($0) }
        let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Data(key).base64EncodedString())\r\n"
        let offered = try ask([
            "command": "offer", "call-id": id, "from-tag": "a", "transport-protocol": "RTP/AVP", "ICE": "remove",
            "sdp": Self.sdp(sides[0].address, "RTP/SAVP", crypto),
        ])
        let answered = try ask([
            "command": "answer", "call-id": id, "from-tag": "a", "to-tag": "b", "transport-protocol": "RTP/SAVP",
            "ICE": "remove", "sdp": Self.sdp(sides[1].address, "RTP/AVP", ""),
        ])
        guard let b = Self.address(offered), let a = Self.address(answered),
            let inline = answered.firstMatch(of: #/AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/=]+)/#),
            let down = Data(base64Encoded: String(inline.output.1)), down.count == 30
        else { throw BenchError(description: "rtpengine answered without a port or a key") }
        return CallUnderTest(
            a: a, b: b, peer: try SRTPPeer(send: key, receive: Array(down)), payloadTypeA: 111, payloadTypeB: 111)
    }

    /// Sends one command; the SDP of the reply.
    private func ask(_ command: [String: String]) throws -> String {
        cookie += 1
        let value = BencodeValue.dictionary(
            command.mapValues { .text($0) }.merging(["flags": .list([.text("trust-address")])]) { old, _ in old })
        var request = Array("\(cookie) \(value.encoded)".utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 8)
        defer { memory.deallocate() }
        guard let address = MediaAddress("127.0.0.1", port: Self.port) else { return "" }
        // It does not listen yet when it has just been started; the cookie makes repeating harmless.
        for _ in 0..<50 {
            try request.withUnsafeMutableBytes { try socket.send($0, $0.count, to: address) }
            while let length = socket.receive(into: memory, milliseconds: 200) {
                let reply = Array(memory.prefix(length))
                let prefix = Array("\(cookie) ".utf8)
                guard reply.starts(with: prefix) else { continue }
                var rest = reply.dropFirst(prefix.count)
                guard let value = BencodeValue(&rest), value["result"] == "ok", let sdp = value["sdp"] else {
                    throw BenchError(description: "rtpengine refused a call")
                }
                return sdp
            }
        }
        throw BenchError(description: "rtpengine does not answer on port \(Self.port)")
    }

    private static func sdp(_ address: MediaAddress, _ transport: String, _ crypto: String) -> String {
        "v=0\r\no=- 1 1 IN IP4 \(address.host)\r\ns=-\r\nc=IN IP4 \(address.host)\r\nt=0 0\r\n"
            + "m=audio \(address.port) \(transport) 111\r\n\(crypto)a=rtpmap:111 opus/48000/2\r\na=sendrecv\r\n"
    }

    private static func address(_ sdp: String) -> MediaAddress? {
        guard let port = sdp.firstMatch(of: #/m=audio (\d+)/#).flatMap({ UInt16($0.output.1) }), port != 0 else {
            return nil
        }
        return MediaAddress("127.0.0.1", port: port)
    }
}
