import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("The stand-in of a WhatsApp user is challenged") struct ChallengeTests {
        /// Password given, and what comes of the call.
        static let cases: [(password: String?, outcome: WhatsAppCallReport.Outcome)] = [
            ("EXAMPLE-sip-password", .talked(endedByUs: true)),
            ("another", .refused(status: 403, reason: "Invalid digest auth response", warning: nil)),
            (
                nil,
                .refused(
                    status: 407, reason: "Proxy Authentication Required",
                    warning: "a password is asked for: give one with --password")
            ),
        ]

        @Test("two challenges in one 407", arguments: cases)
        func challenge(password: String?, outcome: WhatsAppCallReport.Outcome) async throws {
            let pbx = try await PBXStandIn(
                address: RelayTests.pbxAddress, port: 0, edge: "127.69.171.10",
                behaviour: .challenge(password: "EXAMPLE-sip-password"), logger: TestEdge.quiet)
            let caller = try await TestEdge.caller()
            var call = WhatsAppCall(
                target: Target(transport: .tcp, host: RelayTests.pbxAddress, port: await pbx.port(.tcp)),
                number: TestEdge.number, hostname: TestEdge.hostname, talk: .milliseconds(200))
            call.password = password
            let report = try await caller.place(call)
            await caller.shutdown()
            let invites = await pbx.invites
            await pbx.shutdown()
            #expect(report.outcome == outcome)
            #expect(invites.count == (password == nil ? 1 : 2))
            let numbers = invites.compactMap { $0.headers.cseq?.number }
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
            #expect(Set(invites.compactMap { $0.headers.callID }).count == 1)
        }
    }
}
