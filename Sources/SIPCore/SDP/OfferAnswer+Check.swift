extension OfferAnswer {
    /// Reads an offer of Meta for nobody: the same rules and refusals as ``answerMeta(offer:contentType:local:)``.
    public static func checkMeta(offer: [UInt8], contentType: String?) throws(SDPRefusal) {
        _ = try readMeta(offer: offer, contentType: contentType)
    }

    /// The same for ``answerPeer(offer:contentType:local:secure:)``.
    public static func checkPeer(offer: [UInt8], contentType: String?, secure: Bool) throws(SDPRefusal) {
        _ = try answerPeer(offer: offer, contentType: contentType, local: nobody, secure: secure)
    }

    private static var nobody: LocalAudio {
        LocalAudio(
            address: "192.0.2.1", port: 9, sessionID: 1, ssrc: 1, cname: "check",
            masterKeyAndSalt: [UInt8](repeating: 0, count: 30))
    }
}
