import Testing

@testable import SIPCore

@Suite struct WirePairTests {
    struct Weather: CustomTestStringConvertible, Sendable {
        var name: String
        var wire: WirePair.Wire
        var testDescription: String { name }
    }

    static let weathers: [Weather] = [
        .init(name: "clear", wire: .init()),
        .init(name: "TLS", wire: .init(reliable: true)),
        .init(name: "slow", wire: .init(latency: 700...700)),
        .init(name: "reordering", wire: .init(duplication: 0.2, latency: 1...600)),
        .init(name: "loss 10 %", wire: .init(loss: 0.1, latency: 10...100)),
        .init(name: "loss 30 %, all at once", wire: .init(loss: 0.3, duplication: 0.1, latency: 5...900)),
    ]
    static let seeds = 24

    private func atRest(_ pair: WirePair, _ what: String) {
        #expect(pair.caller.isAtRest && pair.callee.isAtRest, "\(what): something is left over")
        #expect(pair.unreadable == 0)
    }

    @Test(arguments: weathers) func aRequestIsDeliveredOnceAndAnsweredOrTimesOut(_ weather: Weather) {
        for seed in 0..<UInt64(Self.seeds) {
            let pair = WirePair(weather.wire, seed: seed)
            pair.callee.standalone = { $0.response(200, toTag: "x") }
            pair.caller.start(Requests.make(.options, branch: "z9hG4bK-o"))
            pair.runToIdle()
            atRest(pair, "\(weather.name), seed \(seed)")
            #expect(pair.callee.delivered[.options, default: 0] <= 1)
            #expect(
                pair.caller.outcomes == ["OPTIONS 200"]
                    || (weather.wire.loss > 0 && pair.caller.outcomes == ["OPTIONS none"]))
            if weather.wire.loss == 0, weather.name != "slow", weather.wire.duplication == 0 { #expect(pair.sent == 2) }
        }
    }

    @Test(arguments: weathers) func aRefusalArrivesAndIsAcknowledged(_ weather: Weather) {
        for seed in 0..<UInt64(Self.seeds) {
            let pair = WirePair(weather.wire, seed: seed)
            pair.callee.onInvite = { callee in
                _ = pair.after(.seconds(2)) {
                    callee.drive(UASInvite.Event.reject(status: 486, reason: nil, headers: []))
                }
            }
            pair.caller.call(pair.callee, body: SDPSamples.body(SDPSamples.metaOffer))
            pair.runToIdle()
            atRest(pair, "\(weather.name), seed \(seed)")
            let last = pair.caller.reports.suffix(2)
            #expect(
                last == ["failed 486 by 486", "finish"]
                    // A callee that hears of the call after we gave up refuses it all the same.
                    || (weather.wire.loss > 0 && last == ["failed 408", "finish"]), "\(pair.caller.reports)")
        }
    }

    @Test(arguments: weathers, ["caller", "callee", "both"])
    func aCallIsMadeTalkedAndEnded(_ weather: Weather, _ end: String) {
        for seed in 0..<UInt64(Self.seeds) {
            let pair = WirePair(weather.wire, seed: seed)
            pair.callee.onInvite = { callee in
                callee.drive(UASInvite.Event.ring(status: 180))
                _ = pair.after(.seconds(3)) {
                    callee.drive(UASInvite.Event.answer(body: SDPSamples.body(SDPSamples.ourAnswer), headers: []))
                }
            }
            pair.caller.call(pair.callee, body: SDPSamples.body(SDPSamples.metaOffer))
            _ = pair.after(.seconds(60)) {
                if end != "callee" { pair.caller.drive(UACInvite.Event.bye(headers: [])) }
                if end != "caller" { pair.callee.drive(UASInvite.Event.bye(headers: [])) }
            }
            pair.runToIdle()
            let what: Comment = "\(weather.name), \(end), seed \(seed): \(pair.caller.reports) | \(pair.callee.reports)"
            atRest(pair, what.rawValue)
            // Both sides let go, each once.
            #expect(pair.caller.reports.filter { $0 == "finish" }.count == 1, what)
            if pair.callee.uas != nil { #expect(pair.callee.reports.filter { $0 == "finish" }.count == 1, what) }
            #expect(pair.caller.reports.filter { $0.hasPrefix("answered") }.count <= 1, what)
            #expect(pair.callee.reports.filter { $0 == "acknowledged" }.count <= 1, what)
            guard weather.wire.loss == 0 else { continue }
            #expect(pair.caller.reports.contains("answered 200"), what)
            #expect(pair.callee.reports.contains("acknowledged"), what)
            #expect(pair.caller.reports.contains(end == "callee" ? "ended byPeer" : "ended byUs"), what)
            #expect(pair.callee.reports.contains(end == "caller" ? "ended byPeer" : "ended byUs"), what)
        }
    }

    /// The CANCEL leaves at every moment around the answer: however they cross, no side keeps a call the other has not.
    @Test(arguments: weathers) func cancelAgainstAnswer(_ weather: Weather) {
        for seed in 0..<UInt64(Self.seeds) {
            let pair = WirePair(weather.wire, seed: seed)
            pair.callee.onInvite = { callee in
                callee.drive(UASInvite.Event.ring(status: 180))
                _ = pair.after(.milliseconds(1_000)) {
                    callee.drive(UASInvite.Event.answer(body: SDPSamples.body(SDPSamples.ourAnswer), headers: []))
                }
            }
            pair.caller.call(pair.callee, body: SDPSamples.body(SDPSamples.metaOffer))
            _ = pair.after(.milliseconds(Int(seed) * 100)) { pair.caller.drive(UACInvite.Event.cancel(headers: [])) }
            pair.runToIdle()
            let what: Comment = "\(weather.name), seed \(seed): \(pair.caller.reports) | \(pair.callee.reports)"
            atRest(pair, what.rawValue)
            #expect(pair.caller.reports.filter { $0 == "finish" }.count == 1, what)
            if pair.callee.uas != nil { #expect(pair.callee.reports.filter { $0 == "finish" }.count == 1, what) }
            let failed = pair.caller.reports.contains { $0.hasPrefix("failed 487") }
            #expect(failed || pair.caller.reports.contains("ended byUs"), what)
        }
    }

    @Test func aClearTLSCallTakesSixMessagesAndNothingTwice() {
        let pair = WirePair(.init(reliable: true), seed: 1)
        pair.callee.onInvite = {
            $0.drive(UASInvite.Event.answer(body: SDPSamples.body(SDPSamples.ourAnswer), headers: []))
        }
        pair.caller.call(pair.callee, body: SDPSamples.body(SDPSamples.metaOffer))
        _ = pair.after(.seconds(5)) { pair.caller.drive(UACInvite.Event.bye(headers: [])) }
        pair.runToIdle()
        #expect(pair.sent == 6)  // INVITE, 100, 200, ACK, BYE, 200
        #expect(pair.caller.reports == ["provisional 100", "answered 200", "ended byUs", "finish"])
        #expect(pair.callee.reports == ["acknowledged", "ended byPeer", "finish"])
    }

    @Test func aDeadWireEndsInTime() {
        let pair = WirePair(.init(loss: 1), seed: 1)
        pair.caller.call(pair.callee, body: [])
        pair.runToIdle()
        atRest(pair, "dead")
        #expect(pair.caller.reports == ["failed 408", "finish"])
        #expect(pair.now == Instant(.seconds(32)))
    }
}
