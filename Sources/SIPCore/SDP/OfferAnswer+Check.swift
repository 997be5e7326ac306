extension OfferAnswer {
    /// Reads an offer of Meta for nobody: the same rules and refusals as ``answerMeta(offer:contentType:local:)``.
    public static func checkMeta(offer: [UInt8], contentType: String?) throws(SDPRefusal) {
        _ = try readMeta(offer: offer, contentType: contentType)
    }
}
