import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    @Suite("A business calls a WhatsApp user") struct BusinessCallTests {
        @Test("by the book: two challenges, the shape of the 200, BYE of the business")
        func byTheBook() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await business.wire.send(script.invite)
                let challenge = try await business.wire.response()
                #expect(challenge.status == 407)
                let challenges = challenge.digestChallenges
                #expect(challenges.map(\.algorithm) == [.sha256, .md5])
                #expect(Set(challenges.map(\.nonce)).count == 2 && Set(challenges.map(\.opaque)).count == 2)
                #expect(challenges.allSatisfy { $0.realm == "wa.meta.vc" && $0.nonce.utf8.count == 16 && $0.qopAuth })
                try await business.wire.send(script.ack(refusal: challenge))
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                #expect(try await business.wire.response(100).body.isEmpty)
                let ringing = try await business.wire.response(180)
                #expect(ringing.body.isEmpty && ringing.headers.to?.tag != nil)
                let answer = try await business.wire.response()
                #expect(answer.status == 200)
                // meta-calling §12.2 (6).
                #expect(
                    answer.headers.recordRoutes == [
                        "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>", "<sip:wa.meta.vc;transport=tls;lr>",
                    ])
                #expect(
                    answer.headers[first: .contact]
                        == "<sip:\(Example.user)@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod>;isfocus"
                )
                #expect(answer.headers[first: .supported] == "timer")
                #expect(answer.headers[first: "x-wa-meta-user-id"] == "US.10000000000000000001")
                let description = try SessionDescription(parsing: answer.body.span)
                let stream = try AudioStream(description)
                #expect(stream.profile == .rtpSAVP && stream.cryptos.map(\.tag) == [1] && stream.rtcpMux)
                #expect(description.media.first?.formats == ["111", "126"])
                script.answered(answer)
                try await business.wire.send(script.ack)
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
                #expect(try await business.wire.response(to: .bye).status == 200)
                let report = try #require(await meta.nextTakenCall())
                #expect(report.outcome == .talked(endedByUser: false))
                #expect(report.algorithm == "SHA-256")
                #expect(report.violations == [])
                await business.wire.close()
                #expect(await meta.violations == [])
            }
        }

        @Test("MD5 is taken as well, and a uri without ;transport=tls")
        func md5() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge, algorithm: .md5, uri: "sip:\(Example.user)@wa.meta.vc")
                try await business.wire.send(script.invite)
                #expect(try await business.wire.response().status == 200)
                await business.wire.close()
            }
        }

        @Test("the user hangs up")
        func userHangsUp() async throws {
            let behaviour = UserBehaviour(talk: .milliseconds(50))
            try await MetaSimulator.run(behaviour: behaviour) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await business.call(&script)
                let bye = try await business.wire.request(.bye)
                #expect(bye.uri.description == "sip:\(Example.number)@\(Example.hostname):5061;transport=tls")
                #expect(bye.headers[first: "x-wa-meta-call-duration"] == "0")
                #expect(bye.headers[first: "x-wa-meta-user-id"] == "US.10000000000000000001")
                #expect(bye.headers.to?.tag == script.tag)
                try await business.wire.send(String(decoding: bye.response(200).encoded(), as: UTF8.self))
                #expect(await meta.nextTakenCall()?.outcome == .talked(endedByUser: true))
                #expect(await meta.violations == [])
                await business.wire.close()
            }
        }

        @Test("the business cancels")
        func cancel() async throws {
            try await MetaSimulator.run(behaviour: UserBehaviour(.ring)) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                _ = try await business.wire.response(180)
                try await business.wire.send(script.cancel)
                #expect(try await business.wire.response(to: .cancel).status == 200)
                let ended = try await business.wire.response(to: .invite)
                #expect(ended.status == 487)
                try await business.wire.send(script.ack(refusal: ended))
                #expect(await meta.nextTakenCall()?.outcome == .cancelled)
                #expect(await meta.violations == [])
                await business.wire.close()
            }
        }
    }
}

/// A business's connection to Meta.
struct Business {
    let wire: Wire

    init(_ meta: MetaSimulator) async throws {
        wire = try await Wire.connect(
            to: Example.metaAddress, meta.port, tls: Wire.TLS(trust: meta.authorityFile ?? ""))
    }

    /// Sends the INVITE and acknowledges the challenge.
    func challenge(_ script: inout BusinessScript) async throws -> Response {
        try await wire.send(script.invite)
        let challenge = try await wire.response()
        try await wire.send(script.ack(refusal: challenge))
        return challenge
    }

    /// The final answer to the INVITE with credentials; a refusal is acknowledged.
    func invite(
        _ script: inout BusinessScript,
        authorize: (inout BusinessScript, Response) throws -> Void = { try $0.authorize($1) }
    ) async throws -> Response {
        let challenge = try await challenge(&script)
        guard challenge.status == 407 || challenge.status == 401 else { return challenge }
        try authorize(&script, challenge)
        try await wire.send(script.invite)
        let answer = try await wire.response(to: .invite)
        if !answer.isSuccess { try await wire.send(script.ack(refusal: answer)) }
        return answer
    }

    /// Until the ACK has gone.
    func call(_ script: inout BusinessScript) async throws {
        let answer = try await invite(&script)
        #expect(answer.status == 200)
        script.answered(answer)
        try await wire.send(script.ack)
    }
}
