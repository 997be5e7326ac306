/// Puts messages into octets.
enum MessageWriter {
    /// - Parameter startLine: the three parts of it. A CR or LF in one of them becomes a space, as in values of fields:
    ///   they may stem from another peer.
    static func encode(startLine: (String, String, String), headers: Headers, body: [UInt8]) -> [UInt8] {
        var size = startLine.0.utf8.count + startLine.1.utf8.count + startLine.2.utf8.count + 4
        for field in headers.fields where field.known != .contentLength {
            size += (field.known?.rawValue.utf8.count ?? field.name.count) + field.value.count + 4
        }
        let length = String(body.count)
        size += "Content-Length: ".utf8.count + length.utf8.count + 4 + body.count
        // The size was counted just now from the same values, and each addition is checked against it.
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { room, count in
            unsafe append(startLine.0, to: room, &count)
            unsafe append(" ", to: room, &count)
            unsafe append(startLine.1, to: room, &count)
            unsafe append(" ", to: room, &count)
            unsafe append(startLine.2, to: room, &count)
            for index in 0..<count {
                let octet = unsafe room[index]
                if octet == .cr || octet == .lf { unsafe room[index] = .space }
            }
            unsafe append("\r\n", to: room, &count)
            let octets = headers.octets.span
            for field in headers.fields where field.known != .contentLength {
                if let known = field.known {
                    unsafe append(known.rawValue, to: room, &count)
                } else {
                    unsafe append(octets, field.name, to: room, &count)
                }
                unsafe append(": ", to: room, &count)
                unsafe append(octets, field.value, to: room, &count)
                unsafe append("\r\n", to: room, &count)
            }
            unsafe append("Content-Length: ", to: room, &count)
            unsafe append(length, to: room, &count)
            unsafe append("\r\n\r\n", to: room, &count)
            unsafe append(body.span, 0..<body.count, to: room, &count)
        }
    }

    @inline(__always)
    @unsafe private static func append(
        _ text: String, to room: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
    ) {
        let octets = text.utf8Span.span
        unsafe append(octets, 0..<octets.count, to: room, &count)
    }

    /// - Parameters:
    ///   - room: memory that is not initialized yet from `count` on.
    ///   - count: grows by what was added.
    @inline(__always)
    @unsafe private static func append(
        _ octets: Span<UInt8>, _ range: Range<Int>, to room: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
    ) {
        precondition(
            range.count <= room.count - count && range.lowerBound >= 0 && range.upperBound <= octets.count,
            "what is written fits into the counted size")
        guard !range.isEmpty, let base = room.baseAddress else { return }
        let target = unsafe base + count
        unsafe octets.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            // Both ends were checked above, and the source is another allocation.
            unsafe target.initialize(from: from + range.lowerBound, count: range.count)
        }
        count += range.count
    }
}
