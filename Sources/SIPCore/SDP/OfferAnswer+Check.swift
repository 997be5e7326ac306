extension OfferAnswer {
    /// Answers an offer of Meta for nobody: the same rules and refusals as ``answerMeta(offer:contentType:local:)``, before
    /// a port and keys are spent on the call.
    public static func checkMeta(offer: [UInt8], contentType: String?) throws(SDPRefusal) {
        let nobody = LocalAudio(
            address: "192.0.2.1", port: 9, sessionID: 1, ssrc: 1, cname: "check",
            masterKeyAndSalt: [UInt8](repeating: 0, count: 30))
        _ = try answerMeta(offer: offer, contentType: contentType, local: nobody)
    }
}
