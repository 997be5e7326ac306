extension Request {
    /// The request again with the answer to its challenge (RFC 3261 §22.2): a transaction of its own, so a fresh branch, and
    /// a CSeq one higher. Fit for the last request of a dialog, since the dialog's own count does not move.
    ///
    /// - Parameter branch: of the top Via, without the magic cookie.
    public func authorized(_ credentials: HeaderField, branch: String) -> Request {
        var request = self
        if let cseq = headers.cseq {
            request.headers.set(.cseq, CSeq(number: cseq.number &+ 1, method: cseq.method).description)
        }
        if var via = headers.topVia {
            via.parameters["branch"] = TransactionKey.magicCookie + branch
            let passed = headers.all(.via).dropFirst()
            request.headers.set(.via, via.description)
            for other in passed { request.headers.append(.via, other) }
        }
        request.headers.set(credentials.name, credentials.value)
        return request
    }
}
