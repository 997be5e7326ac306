/// A message as it lies in a file: line ends made those of the wire, and places in it found again.
struct RawMessage {
    let octets: [UInt8]
    /// Each LF got a CR put before it.
    let hadBareLineFeeds: Bool
    /// CRLFs before the start line, which are passed over.
    private let leading: Int

    init(_ input: [UInt8]) {
        // Mixed ends are a fault of the message; LF alone throughout is how editors and terminals keep text.
        hadBareLineFeeds = !input.contains(.cr) && input.contains(.lf)
        var octets = input
        if hadBareLineFeeds {
            octets = input.flatMap { $0 == .lf ? [.cr, .lf] : [$0] }
            if octets.last != .lf { octets += [.cr, .lf] }
        }
        self.octets = octets
        var start = 0
        while start + 1 < octets.count, octets[start] == .cr, octets[start + 1] == .lf { start += 2 }
        leading = start
    }

    /// The message as a whole datagram.
    func parsed(limits: MessageLimits) throws(MalformedMessage) -> Message {
        do throws(MalformedMessage) {
            return try Message(parsing: octets.span, limits: limits)
        } catch {
            // Of some other text the missing blank line is not what is worth saying.
            guard error.reason == .truncatedHead, !beginsAsSIP else { throw error }
            throw MalformedMessage(.notSIP)
        }
    }

    private var beginsAsSIP: Bool {
        let octets = octets.span
        let end = octets.firstIndex(of: .lf, in: leading..<octets.count) ?? octets.count
        return MessageHead.isStartLine(octets, leading..<max(leading, end - 1))
    }

    // MARK: Places

    /// Where the fault is: the parser's line, or else the first line of the field that it names.
    func line(of error: MalformedMessage) -> (offset: Int, number: Int) {
        var offset = leading + error.offset
        if error.offset == 0 {
            switch error.reason {
            case .malformed(let name): offset = place(of: name, last: false) ?? offset
            case .repeated(let name): offset = place(of: name, last: true) ?? offset
            case .methodMismatch: offset = place(of: .cseq, last: false) ?? offset
            case .truncatedBody: offset = place(of: .contentLength, last: false) ?? offset
            default: break
            }
        }
        let before = octets.prefix(offset).count { $0 == .lf }
        return (hadBareLineFeeds ? offset - before : offset, before + 1)
    }

    private func place(of name: HeaderName, last: Bool) -> Int? {
        var found: Int?
        var start = leading
        while start < octets.count {
            let end = octets[start...].firstIndex(of: .lf) ?? octets.count
            let line = octets.span.extracting(start..<end)
            if end - start <= 1 { break }  // the blank line
            if let colon = line.firstIndex(of: UInt8(ascii: ":"), in: 0..<line.count),
                HeaderName(parsing: line.extracting(line.trimmed(0..<colon))) == name
            {
                found = start
                if !last { break }
            }
            start = end + 1
        }
        return found
    }

    // MARK: Remarks

    var lineEndRemarks: [Remark] {
        guard hadBareLineFeeds else { return [] }
        return [
            Remark(
                .note, "line-feeds",
                "The lines end with LF alone; it was read as if they ended with CRLF, as they must on the wire")
        ]
    }

    /// Of a message that can be read: what is different when it comes over TCP or TLS.
    func remarks(limits: MessageLimits) -> [Remark] {
        var remarks = lineEndRemarks
        var framer = StreamFramer(limits: limits)
        framer.append(octets.span.extracting(leading..<octets.count))
        do throws(MalformedMessage) {
            _ = try framer.next()
            let rest = framer.buffered
            // One line end too many is what editors leave behind.
            if rest > 2 {
                remarks.append(
                    Remark(
                        .warning, "octets-behind",
                        "\(rest) octets follow the message; over TCP and TLS they are taken for the next one"))
            }
        } catch {
            remarks.append(
                Remark(
                    .problem, "no-framing",
                    "Over TCP and TLS it is refused with \(error.status) and the connection closed: \(error.description)"
                ))
        }
        return remarks
    }
}
