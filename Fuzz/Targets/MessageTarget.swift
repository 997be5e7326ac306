import SIPCore

enum MessageTarget {
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        if let message = accepted(input) { try check(message) }
        try checkStream(input)
    }

    /// Nil for what is refused, after an answer to it was written.
    private static func accepted(_ input: [UInt8]) -> Message? {
        do throws(MalformedMessage) {
            return try Message(parsing: input.span)
        } catch {
            _ = error.description
            if let answer = error.request?.response(error.status, toTag: "fuzz") { _ = answer.encoded() }
            return nil
        }
    }

    private static func check(_ message: Message) throws(FuzzFinding) {
        try require(read(message.encoded()) == message, "what was read and written is read the same")
        touch(message.headers)
        guard case .request(var request) = message else { return }
        _ = TransactionKey(server: request)
        _ = request.uri.isEquivalent(to: request.uri)
        request.stampTopVia(received: "192.0.2.77", port: 5_060)
        try require(request.headers.topVia != nil, "a stamped Via is still one")
        let answer = request.response(200, toTag: "fuzz")
        guard case .response(let again) = read(answer.encoded()) else {
            throw FuzzFinding("an answer to what was accepted can be read")
        }
        try require(again.headers == answer.headers, "an answer is read as it was written")
        try require(TransactionKey(client: again)?.method != nil || request.headers.topBranch == nil, "it has a key")
    }

    private static func read(_ octets: [UInt8]) -> Message? { try? Message(parsing: octets.span) }

    /// Typed values must agree with their cheaper forms.
    private static func touch(_ headers: Headers) {
        _ = (headers.vias, headers.topVia?.received, headers.topVia?.rport, headers.from?.description)
        _ = (headers.to?.description, headers.callID, headers.cseq, headers.maxForwards, headers.contact?.description)
        _ = (headers.contentType, headers.routes.map(\.uri.isTLS), headers.recordRoutes, headers.fromTag, headers.toTag)
        for field in headers { _ = field.description }
    }

    /// However a stream is cut into pieces, the same messages come out of it.
    private static func checkStream(_ input: [UInt8]) throws(FuzzFinding) {
        let limits = MessageLimits(maxHead: 4_096, maxBody: 4_096)
        let whole = frames(input, pieces: [input.count], limits)
        var random = SplitMix(state: input.reduce(0) { $0 &* 31 &+ UInt64($1) })
        var pieces: [Int] = []
        var rest = input.count
        while rest > 0 {
            let piece = 1 + random.below(min(rest, 1 + input.count / (1 + random.below(12))))
            pieces.append(piece)
            rest -= piece
        }
        let cut = frames(input, pieces: pieces, limits)
        try require(whole.frames == cut.frames, "a stream in pieces gives the same messages")
        try require(whole.failure == cut.failure, "a stream in pieces fails the same way")
    }

    private static func frames(
        _ input: [UInt8], pieces: [Int], _ limits: MessageLimits
    ) -> (frames: [StreamFramer.Frame], failure: MalformedMessage?) {
        var framer = StreamFramer(limits: limits)
        var frames: [StreamFramer.Frame] = []
        var start = 0
        for piece in pieces {
            framer.append(input.span.extracting(start..<start + piece))
            start += piece
            do throws(MalformedMessage) {
                while let frame = try framer.next() { frames.append(frame) }
            } catch {
                return (frames, error)
            }
        }
        return (frames, nil)
    }
}
