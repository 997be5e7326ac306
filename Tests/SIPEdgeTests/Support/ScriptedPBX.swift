import SIPCore
import SIPEdge

/// A PBX on a UDP socket whose every message a test decides.
final class ScriptedPBX: Sendable {
    static let address = "127.61.0.21"

    let signalling: Datagrams
    let media: Datagrams
    private let edge: UInt16

    /// - Parameter edge: the port where the edge takes messages of peers.
    init(edge: UInt16) async throws {
        signalling = try await Datagrams(address: Self.address)
        media = try await Datagrams(address: Self.address)
        self.edge = edge
    }

    private init(_ signalling: Datagrams, _ media: Datagrams, edge: UInt16) {
        self.signalling = signalling
        self.media = media
        self.edge = edge
    }

    /// The same one, told where the edge listens.
    func facing(_ edge: UInt16) -> ScriptedPBX { ScriptedPBX(signalling, media, edge: edge) }

    var peer: Peer { Peer(name: "pbx", host: Self.address, port: signalling.port) }
    var contact: String { "<sip:pbx@\(Self.address):\(signalling.port)>" }

    func close() async {
        await signalling.close()
        await media.close()
    }

    func send(_ text: String) async throws {
        try await signalling.send(Array(text.utf8), to: TestEdge.address, edge)
    }

    func answer(
        _ request: Request, _ status: Int, toTag: String? = nil, headers: [HeaderField] = [], body: String = ""
    ) async throws {
        let type = body.isEmpty ? [] : [HeaderField(name: .contentType, value: "application/sdp")]
        let response = request.response(
            status, toTag: toTag, headers: [HeaderField(name: .contact, value: contact)] + headers + type,
            body: Array(body.utf8))
        try await signalling.send(response.encoded(), to: TestEdge.address, edge)
    }

    /// The next final response to a request of this method; requests of the edge meanwhile are left out.
    func response(_ method: SIPCore.Method, _ status: Int? = nil) async throws -> Response {
        while true {
            let octets = try await signalling.next()
            guard case .response(let response) = try Message(parsing: octets.span),
                response.headers.cseq?.method == method, response.status >= 200
            else { continue }
            if status == nil || status == response.status { return response }
        }
    }

    func sdp(_ direction: String = "sendrecv", port: UInt16? = nil, address: String = address) -> String {
        MetaCall.lines([
            "v=0", "o=- 1 1 IN IP4 \(Self.address)", "s=-", "c=IN IP4 \(address)", "t=0 0",
            "m=audio \(port ?? media.port) RTP/AVP 111 101", "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:101 telephone-event/8000", "a=\(direction)",
        ])
    }

    /// One of its dialogs, as the edge's ACK shows it.
    struct Call {
        let pbx: ScriptedPBX
        let from: String
        let to: String
        let callID: String
        let target: String
        private var number = 100

        init(_ pbx: ScriptedPBX, invite: Request, ack: Request) {
            self.pbx = pbx
            from = ack.headers.value("To") ?? ""
            to = ack.headers.value("From") ?? ""
            callID = ack.headers.callID ?? ""
            target = invite.headers.contact?.uri.description ?? ""
        }

        /// Sends a request; gives its number.
        @discardableResult
        mutating func send(
            _ method: String, headers: [String] = [], type: String = "application/sdp", body: String = "",
            number given: Int? = nil
        ) async throws -> Int {
            if given == nil { number += 1 }
            let used = given ?? number
            try await pbx.send(
                MetaCall.lines(
                    [
                        "\(method) \(target) SIP/2.0",
                        "Via: SIP/2.0/UDP \(ScriptedPBX.address):\(pbx.signalling.port);branch=z9hG4bK\(IDSource.random.next())",
                        "Max-Forwards: 70", "From: \(from)", "To: \(to)", "Call-ID: \(callID)",
                        "CSeq: \(used) \(method)", "Contact: \(pbx.contact)",
                    ] + headers + (body.isEmpty ? [] : ["Content-Type: \(type)"])
                        + ["Content-Length: \(body.utf8.count)", ""]) + body)
            return used
        }

        /// Sends a re-INVITE and acknowledges the final answer, which it gives.
        mutating func reinvite(headers: [String] = [], body: String = "", answer: String = "") async throws -> Response
        {
            let number = try await send("INVITE", headers: headers, body: body)
            let response = try await pbx.response(.invite)
            if response.status < 300 { try await send("ACK", body: answer, number: number) }
            return response
        }
    }
}
