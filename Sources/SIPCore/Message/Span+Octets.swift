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
    func scan(_ set: borrowing OctetSet, _ position: inout Int) -> Range<Int> {
        let start = position
        while position < count, set.contains(self[position]) { position += 1 }
        return start..<position
    }

    /// Moves past the octet when it is the next one.
    func take(_ octet: Unicode.Scalar, _ position: inout Int) -> Bool {
        guard position < count, self[position] == UInt8(ascii: octet) else { return false }
        position += 1
        return true
    }

    func firstIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
        var position = range.lowerBound
        let wanted = UInt64(repeating: octet)
        while position + 8 <= range.upperBound {
            let found = (word(at: position) ^ wanted).zeroOctets
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < range.upperBound {
            if self[position] == octet { return position }
            position += 1
        }
        return nil
    }

    /// The first CR or LF.
    func firstLineEnd(in range: Range<Int>) -> Int? {
        var position = range.lowerBound
        let (cr, lf) = (UInt64(repeating: .cr), UInt64(repeating: .lf))
        while position + 8 <= range.upperBound {
            let eight = word(at: position)
            let found = (eight ^ cr).zeroOctets | (eight ^ lf).zeroOctets
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < range.upperBound {
            if self[position] == .cr || self[position] == .lf { return position }
            position += 1
        }
        return nil
    }

    /// Whether no octet is above 0x7F.
    func isASCII(_ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        var bits: UInt64 = 0
        while position + 8 <= range.upperBound {
            bits |= word(at: position)
            position += 8
        }
        while position < range.upperBound {
            bits |= UInt64(self[position])
            position += 1
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }

    /// Eight octets, the first in the lowest bits.
    @inline(__always)
    private func word(at position: Int) -> UInt64 {
        precondition(position >= 0 && position <= count - 8, "eight octets are read inside the span")
        // Inside the span as just checked, and any eight octets are an integer.
        return unsafe withUnsafeBytes { octets in
            UInt64(littleEndian: unsafe octets.loadUnaligned(fromByteOffset: position, as: UInt64.self))
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
    func equals(_ range: Range<Int>, ignoringCase text: String) -> Bool {
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

    func equals(_ range: Range<Int>, _ text: String) -> Bool {
        let other = text.utf8Span.span
        guard range.count == other.count else { return false }
        for index in 0..<other.count where self[range.lowerBound + index] != other[index] { return false }
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
        while position < range.upperBound {
            if self[position] == UInt8(ascii: "%") {
                guard position + 2 < range.upperBound, self[position + 1].hexDigit != nil,
                    self[position + 2].hexDigit != nil
                else { return false }
                position += 2
            }
            position += 1
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
        guard utf8.contains(where: { $0.asciiLowercased != $0 }) else { return self }
        return String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
    }

    func equalsIgnoringASCIICase(_ other: String) -> Bool {
        let (a, b) = (utf8, other.utf8)
        return a.count == b.count && a.elementsEqual(b) { $0.asciiLowercased == $1.asciiLowercased }
    }
}
