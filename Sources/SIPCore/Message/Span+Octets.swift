/// Reading protocol text in place. A position is an offset into the span; every method keeps it within `0...count`.
extension Span<UInt8> {
    /// The octets as text, nil when they are not UTF-8.
    func text(_ range: Range<Int>) -> String? {
        do {
            return String(copying: try UTF8Span(validating: extracting(range)))
        } catch {
            return nil
        }
    }

    func isUTF8(_ range: Range<Int>) -> Bool {
        do {
            _ = try UTF8Span(validating: extracting(range))
            return true
        } catch {
            return false
        }
    }

    func array(_ range: Range<Int>) -> [UInt8] {
        var octets: [UInt8] = []
        extracting(range).append(to: &octets)
        return octets
    }

    func append(to octets: inout [UInt8]) {
        // The pointer is read inside the closure only, and the array copies.
        unsafe withUnsafeBufferPointer { unsafe octets.append(contentsOf: $0) }
    }

    func skipWhitespace(_ position: inout Int) {
        while position < count, self[position].isWhitespace { position += 1 }
    }

    /// Moves past all octets of the set and gives their range.
    @inline(__always)
    func scan(_ set: OctetSet, _ position: inout Int) -> Range<Int> {
        let start = position
        precondition(start >= 0, "a position is an offset into the span")
        // Not below its start, which was just checked, and below the count.
        while position < count, set.contains(unsafe self[unchecked: position]) { position &+= 1 }
        return unsafe Range(uncheckedBounds: (start, position))
    }

    /// Moves past the octet when it is the next one.
    func take(_ octet: Unicode.Scalar, _ position: inout Int) -> Bool {
        guard position < count, self[position] == UInt8(ascii: octet) else { return false }
        position += 1
        return true
    }

    func firstIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
        let wanted = UInt64(repeating: octet)
        return firstIndex(in: range) { ($0 ^ wanted).zeroOctets }
    }

    /// The first CR or LF.
    func firstLineEnd(in range: Range<Int>) -> Int? {
        let (cr, lf) = (UInt64(repeating: .cr), UInt64(repeating: .lf))
        return firstIndex(in: range) { ($0 ^ cr).zeroOctets | ($0 ^ lf).zeroOctets }
    }

    /// Whether no octet is above 0x7F.
    func isASCII(_ range: Range<Int>) -> Bool {
        firstIndex(in: range) { $0 & 0x8080_8080_8080_8080 } == nil
    }

    /// Looks at eight octets at a time, the first in the lowest bits.
    ///
    /// - Parameter hits: sets the high bit of each octet that is wanted; above the first one others may be set too.
    @inline(__always)
    private func firstIndex(in range: Range<Int>, hits: (UInt64) -> UInt64) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the range lies inside the span")
        // Nothing outside the range, which was just checked, is read, and any eight octets are an integer.
        return unsafe withUnsafeBytes { octets in
            guard let base = octets.baseAddress else { return nil }
            var position = range.lowerBound
            while position &+ 8 <= range.upperBound {
                let eight = unsafe base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let found = hits(UInt64(littleEndian: eight))
                if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
                position &+= 8
            }
            while position < range.upperBound {
                let octet = unsafe base.load(fromByteOffset: position, as: UInt8.self)
                // The other seven hold octets nobody looks for.
                if hits(UInt64(octet) | 0x0101_0101_0101_0100) & 0x80 != 0 { return position }
                position &+= 1
            }
            return nil
        }
    }

    func lastIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
        var position = range.upperBound
        while position > range.lowerBound {
            position -= 1
            if self[position] == octet { return position }
        }
        return nil
    }

    /// The range without space and tab at either end.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isWhitespace { start += 1 }
        while end > start, self[end - 1].isWhitespace { end -= 1 }
        return start..<end
    }

    /// Octet by octet, ignoring ASCII case.
    @inline(__always)
    func equals(_ range: Range<Int>, ignoringCase text: String) -> Bool {
        range.count == text.utf8.count && hasSameLetters(range, text)
    }

    private func hasSameLetters(_ range: Range<Int>, _ text: String) -> Bool {
        let other = text.utf8Span.span
        guard range.count == other.count else { return false }
        let start = range.lowerBound
        for index in 0..<other.count
        where self[start + index] != other[index] && self[start + index].asciiLowercased != other[index].asciiLowercased
        {
            return false
        }
        return true
    }

    @inline(__always)
    func equals(_ range: Range<Int>, _ text: String) -> Bool {
        range.count == text.utf8.count && hasSameOctets(range, text)
    }

    private func hasSameOctets(_ range: Range<Int>, _ text: String) -> Bool {
        let other = text.utf8Span.span
        guard range.count == other.count else { return false }
        for index in 0..<other.count where self[range.lowerBound + index] != other[index] { return false }
        return true
    }

    /// Octet by octet against as many that have no capitals.
    func equalLetters(lowercased other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index].asciiLowercased != other[index] { return false }
        return true
    }

    /// Whether two ranges hold the same octets.
    func equals(_ range: Range<Int>, in other: Span<UInt8>, _ otherRange: Range<Int>) -> Bool {
        guard range.count == otherRange.count else { return false }
        let distance = otherRange.lowerBound - range.lowerBound
        for position in range where self[position] != other[position + distance] { return false }
        return true
    }

    /// Digits only, no sign, no space; nil when empty, not a number, or above `limit`.
    func decimal(_ range: Range<Int>, limit: Int) -> Int? {
        guard !range.isEmpty else { return nil }
        var value = 0
        for position in range {
            guard self[position].isASCIIDigit else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(self[position] - 48))
            guard !overflow, !carry, sum <= limit else { return nil }
            value = sum
        }
        return value
    }

    /// Moves past a quoted string (RFC 3261 §25.1), which must begin here, and gives its range with the quotes.
    func scanQuoted(_ position: inout Int) -> Range<Int>? {
        let start = position
        guard take("\"", &position) else { return nil }
        while position < count {
            switch self[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position
            case UInt8(ascii: "\\"): position = Swift.min(position + 2, count)
            default: position += 1
            }
        }
        return nil
    }

    /// Whether each `%` begins an escape of two hexadecimal digits.
    func hasWholeEscapes(_ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        while let percent = firstIndex(of: UInt8(ascii: "%"), in: position..<range.upperBound) {
            guard percent + 2 < range.upperBound, self[percent + 1].hexDigit != nil, self[percent + 2].hexDigit != nil
            else { return false }
            position = percent + 3
        }
        return true
    }
}

extension UInt64 {
    /// The octet in all eight places.
    fileprivate init(repeating octet: UInt8) { self = UInt64(octet) &* 0x0101_0101_0101_0101 }

    /// The high bit of each octet that is zero; above the lowest such octet other bits may be set too.
    fileprivate var zeroOctets: UInt64 { (self &- 0x0101_0101_0101_0101) & ~self & 0x8080_8080_8080_8080 }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    var hexDigit: UInt8? {
        switch self {
        case 48...57: self - 48
        case 65...70: self - 55
        case 97...102: self - 87
        default: nil
        }
    }
}

extension String {
    /// ASCII letters in lower case; other characters untouched, unlike `lowercased()`.
    var asciiLowercased: String {
        let octets = utf8Span.span
        var position = 0
        while position < octets.count, octets[position].asciiLowercased == octets[position] { position += 1 }
        if position == octets.count { return self }
        return String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
    }

    func equalsIgnoringASCIICase(_ other: String) -> Bool {
        utf8Span.span.equals(0..<utf8.count, ignoringCase: other)
    }
}
