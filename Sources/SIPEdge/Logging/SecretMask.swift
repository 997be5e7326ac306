import SIPCore

/// Overwrites what must not leave the process in the octets of a SIP message, with as many letters `x`, so that
/// Content-Length stays right: SRTP keys, ICE passwords and the answers to digest challenges.
enum SecretMask {
    /// The line begins so, in any case; what follows is covered to its end.
    private static let prefixes: [[UInt8]] = [
        "a=crypto:", "a=ice-pwd:", "k=", "authorization:", "proxy-authorization:", "authentication-info:",
    ].map { Array($0.utf8) }

    static func cover(_ octets: inout [UInt8]) {
        var line = 0
        while line < octets.count {
            var end = line
            while end < octets.count, octets[end] != UInt8(ascii: "\r"), octets[end] != UInt8(ascii: "\n") { end += 1 }
            if let prefix = prefixes.first(where: { begins(octets, at: line, end, with: $0) }) {
                var place = line + prefix.count
                cover(&octets, &place, end)
                // Header fields go on in lines that begin with white space.
                while let next = continuation(octets, after: end) {
                    place = next
                    end = next
                    while end < octets.count, octets[end] != UInt8(ascii: "\r"), octets[end] != UInt8(ascii: "\n") {
                        end += 1
                    }
                    cover(&octets, &place, end)
                }
            }
            line = end + 1
        }
    }

    private static func cover(_ octets: inout [UInt8], _ place: inout Int, _ end: Int) {
        while place < end {
            if octets[place] != UInt8(ascii: " ") { octets[place] = UInt8(ascii: "x") }
            place += 1
        }
    }

    private static func continuation(_ octets: [UInt8], after end: Int) -> Int? {
        var next = end
        if next < octets.count, octets[next] == UInt8(ascii: "\r") { next += 1 }
        if next < octets.count, octets[next] == UInt8(ascii: "\n") { next += 1 }
        guard next > end, next < octets.count, octets[next] == UInt8(ascii: " ") || octets[next] == UInt8(ascii: "\t")
        else { return nil }
        return next
    }

    private static func begins(_ octets: [UInt8], at line: Int, _ end: Int, with prefix: [UInt8]) -> Bool {
        guard end - line >= prefix.count else { return false }
        for (offset, wanted) in prefix.enumerated() {
            let octet = octets[line + offset]
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet) ? octet | 0x20 : octet
            guard lower == wanted else { return false }
        }
        return true
    }
}
