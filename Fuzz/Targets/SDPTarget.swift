import SIPCore

enum SDPTarget {
    private static let local = LocalAudio(
        address: "192.0.2.10", port: 20_000, sessionID: 1_790_000_000, ssrc: 0x1234_5678, cname: "ibis",
        masterKeyAndSalt: [UInt8](30..<60))
    private static let settled = OfferAnswer.offerMeta(local: local).description

    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        if let description = try? SessionDescription(parsing: input.span) {
            let written = description.encoded()
            try require(
                (try? SessionDescription(parsing: written.span)) == description,
                "a description that was read and written is read the same")
            _ = try? AudioStream(description)
        }
        for (answer, _) in [
            try? OfferAnswer.answerMeta(offer: input, contentType: nil, local: local),
            try? OfferAnswer.answerPeer(offer: input, contentType: "application/sdp", local: local, secure: false),
        ].compactMap({ $0 }) {
            let read = try? SessionDescription(parsing: answer.span)
            try require(read.flatMap { try? AudioStream($0) } != nil, "our answer has an audio stream")
        }
        _ = try? OfferAnswer.offerMeta(local: local).accept(answer: input, contentType: nil)
        _ = try? OfferAnswer.offerPeer(local: local).accept(answer: input, contentType: nil)
        if var mine = LocalDescription(settled), let answer = try? mine.answer(input, contentType: nil) {
            try require((try? SessionDescription(parsing: answer.span)) != nil, "an answer in mid-call can be read")
        }
        _ = LocalDescription(input)
        _ = SDPRedaction.text(input)
    }
}
