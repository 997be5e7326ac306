import Testing

@testable import SIPCore

/// Reliable ringing, refreshes and a transfer between two of our user agents on a wire that loses, repeats and reorders.
@Suite struct FirewallWireTests {
    private static let offer = OfferAnswer.offerPeer(
        local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101
    ).description

    /// A call of 300 s that is refreshed every 45 s, by UPDATE or by re-INVITE, and transferred after 100 s.
    private func call(_ wire: WirePair.Wire, seed: UInt64, updates: Bool) -> WirePair {
        let pair = WirePair(wire, seed: seed)
        let allow = updates ? ReofferPolicy.answer.allow : "INVITE, ACK, BYE, CANCEL, PRACK, REFER"
        for endpoint in [pair.caller, pair.callee] {
            endpoint.reoffers = .answer
            endpoint.timer = .init(interval: 90)
            endpoint.party.allow = allow
        }
        pair.callee.onInvite = { callee in
            callee.drive(UASInvite.Event.ring(status: 180))
            _ = pair.after(.seconds(3)) {
                callee.drive(UASInvite.Event.answer(body: SDPSamples.body(SDPSamples.asteriskOffer), headers: []))
            }
        }
        pair.caller.onReport = { line in
            guard line.hasPrefix("transfer to") else { return }
            pair.caller.drive(InDialogEvent.acceptTransfer)
            _ = pair.after(.seconds(2)) { pair.caller.drive(InDialogEvent.transferProgress(status: 180)) }
            _ = pair.after(.seconds(5)) { pair.caller.drive(InDialogEvent.transferProgress(status: 200)) }
        }
        pair.caller.call(pair.callee, body: Self.offer, headers: [HeaderField(.require, "100rel")])
        _ = pair.after(.seconds(100)) { pair.callee.refer(to: "sip:200@192.0.2.10") }
        _ = pair.after(.seconds(300)) { pair.caller.drive(UACInvite.Event.bye(headers: [])) }
        pair.runToIdle()
        return pair
    }

    @Test(arguments: WirePairTests.weathers, [true, false])
    func theCallComesToRest(_ weather: WirePairTests.Weather, _ updates: Bool) {
        for seed in 0..<UInt64(WirePairTests.seeds) {
            let pair = call(weather.wire, seed: seed, updates: updates)
            let (caller, callee) = (pair.caller, pair.callee)
            let what: Comment =
                "\(weather.name), seed \(seed): \(caller.reports) | \(callee.reports) | \(caller.outcomes)"
            #expect(caller.isAtRest && callee.isAtRest, what)
            #expect(pair.unreadable == 0)
            #expect(caller.reports.filter { $0 == "finish" }.count == 1, what)
            if callee.uas != nil { #expect(callee.reports.filter { $0 == "finish" }.count == 1, what) }
            guard weather.wire.loss == 0 else { continue }
            // Nothing of it ended the call before its time.
            #expect(caller.reports.contains("ended byUs") && callee.reports.contains("ended byPeer"), what)
            #expect(caller.outcomes.contains("PRACK 200"), what)
            #expect(callee.outcomes.filter { $0.hasPrefix("REFER") } == ["REFER 202"], what)
            #expect(callee.notices.first == "SIP/2.0 100 Trying" && callee.notices.last == "SIP/2.0 200 OK", what)
            #expect(callee.notices.count <= 3, what)
            let refreshes = callee.reports.filter { $0 == (updates ? "saw UPDATE" : "saw INVITE") }.count
            #expect((5...6).contains(refreshes), what)
            #expect(callee.reports.contains("saw ACK") != updates, what)
        }
    }

    /// The peer dies in mid-call: both sides end by themselves, and soon after the session expires.
    @Test func aDeadPeerIsNoticed() {
        let pair = WirePair(.init(), seed: 1)
        for endpoint in [pair.caller, pair.callee] {
            endpoint.reoffers = .answer
            endpoint.timer = .init(interval: 90)
        }
        pair.callee.onInvite = {
            $0.drive(UASInvite.Event.answer(body: SDPSamples.body(SDPSamples.asteriskOffer), headers: []))
        }
        pair.caller.call(pair.callee, body: Self.offer)
        _ = pair.after(.seconds(50)) { pair.wire.loss = 1 }
        pair.runToIdle()
        #expect(pair.caller.isAtRest && pair.callee.isAtRest)
        #expect(pair.caller.reports.contains { $0.hasPrefix("ended refreshFailed") || $0 == "ended sessionExpired" })
        #expect(pair.callee.reports.contains("ended sessionExpired"))
        // Refreshed at 45 s; no later than an interval and a BYE nobody answers.
        #expect(pair.now < Instant(.seconds(45 + 90 + 45)))
    }
}
