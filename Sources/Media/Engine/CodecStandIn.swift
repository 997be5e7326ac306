// Stand-ins for the types of Codec/ and File/; this file goes away with the commit that brings those.

public final class Prompt: Sendable {
    let storage: [UInt8]
    /// Frame n is storage[offsets[n]..<offsets[n + 1]].
    let offsets: [Int]

    init(frames: [[UInt8]]) {
        storage = Array(frames.joined())
        offsets = frames.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    }
}

public final class PacketRecording: Sendable {
    public init() {}
}

public enum OpusFrame {
    /// TOC of a 20 ms wideband SILK frame with one octet of content.
    public static let silence20ms: [UInt8] = [0x48, 0x00]
}
