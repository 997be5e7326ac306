import Glibc
import Testing

@testable import Media

/// SplitMix64: the same numbers in every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func octets(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}

/// A directory of its own, removed at the end.
final class ScratchDirectory {
    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/ibis-media-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    func file(_ name: String, _ octets: [UInt8]? = nil) throws -> String {
        let file = "\(path)/\(name)"
        files.append(file)
        if let octets {
            let handle = try #require(fopen(file, "w"))
            #expect(fwrite(octets, 1, octets.count, handle) == octets.count)
            fclose(handle)
        }
        return file
    }

    static func octets(of path: String) throws -> [UInt8] {
        let handle = try #require(fopen(path, "r"))
        defer { fclose(handle) }
        var octets = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&octets, 1, octets.count, handle)
        return Array(octets[..<count])
    }
}

extension OpusEncoder {
    /// One packet per 20 ms at 48 kHz; a part at the end is left out.
    mutating func encodeAll(_ pcm: [Int16]) throws -> [[UInt8]] {
        var packets: [[UInt8]] = []
        for start in stride(from: 0, to: pcm.count - 959, by: 960) {
            packets.append(try encode(pcm.span.extracting(start..<start + 960)))
        }
        return packets
    }
}

extension OpusDecoder {
    mutating func decodeAll(_ packets: [[UInt8]]) throws -> [Int16] {
        var pcm: [Int16] = []
        for packet in packets { pcm += try decodeOne(packet) }
        return pcm
    }

    mutating func decodeOne(_ packet: [UInt8]) throws -> [Int16] {
        var frame = [Int16](repeating: 0, count: OpusDecoder.maximumFrame)
        var span = frame.mutableSpan
        let count = try decode(packet.span, into: &span)
        return Array(frame[..<count])
    }

    mutating func concealOne(_ samples: Int) throws -> [Int16] {
        var frame = [Int16](repeating: 0, count: OpusDecoder.maximumFrame)
        var span = frame.mutableSpan
        let count = try conceal(samples: samples, into: &span)
        return Array(frame[..<count])
    }
}

extension Prompt {
    var packets: [[UInt8]] {
        (0..<frameCount).map { withFrame($0) { Array($0) } }
    }
}
