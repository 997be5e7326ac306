import SIPCore

/// Each line of the input is a value of WWW-Authenticate or Authorization.
enum DigestTarget {
    private static let credentials = DigestCredentials(username: "15550100001", password: "secret")

    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        let values = input.split(separator: UInt8(ascii: "\n")).prefix(8).map { String(decoding: $0, as: UTF8.self) }
        let server = try server()
        for value in values {
            if let challenge = try? DigestChallenge(parsing: value) {
                let written = try? DigestChallenge(parsing: challenge.description)
                try require(written != nil, "a challenge that was read and written can be read")
            }
            if let answer = try? DigestAnswer(parsing: value) {
                _ = answer.isCorrect(password: "secret", method: .invite)
                _ = try? DigestAnswer(parsing: answer.headerValue)
            }
            try verify(value, server)
        }
        answer(values)
    }

    private static func server() throws(FuzzFinding) -> DigestServer {
        DigestServer(realm: "sip.example.com", secret: [UInt8](0..<32))
    }

    /// Nobody gets in without the password.
    private static func verify(_ value: String, _ server: DigestServer) throws(FuzzFinding) {
        var server = server
        let request = Request(
            method: .invite, uri: SIPURI(user: "15550100001", host: "sip.example.com"),
            headers: [HeaderField(.authorization, value)])
        let now = Instant(.seconds(1_790_000_000))
        let verdict = server.verify(request, now: now) { user in user == "15550100001" ? "secret" : nil }
        if case .accepted = verdict { throw FuzzFinding("credentials made of octets are refused") }
        _ = server.challengeFields(status: 401, stale: true, now: now)
    }

    private static func answer(_ values: [String]) {
        let request = Request(
            method: .invite, uri: SIPURI(user: "15550100001", host: "wa.meta.vc"),
            headers: [HeaderField(.cseq, "1 INVITE"), HeaderField(.callID, "fuzz")])
        let fields = values.map { HeaderField(.proxyAuthenticate, $0) }
        let response = Response(status: 407, headers: Headers(fields))
        var client = DigestClient(credentials: credentials, realms: ["wa.meta.vc"])
        _ = client.answer(response, to: request, cnonce: "0a4f113b")
    }
}
