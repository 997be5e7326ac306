import SIPCore
import Testing

@Suite("B2BUA") struct B2BUATests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let events: [B2BUA.Event]
        /// What the last event brings about.
        let actions: [B2BUA.Action]
        var testDescription: String { name }
    }

    static let ringing: [B2BUA.Event] = [.start, .calleeProgress(status: 183)]
    static let answered: [B2BUA.Event] = [.start, .calleeAnswered]
    static let talking: [B2BUA.Event] = answered + [.callerAcknowledged]
    static let busy = B2BUA.Refusal(callee: 486)
    static let late = B2BUA.Refusal(status: 480, warning: "nobody answered in time", cause: .noAnswer)

    static let cases = [
        Case(name: "start invites and times the ringing", events: [.start], actions: [.startRingTimer, .inviteCallee]),
        Case(name: "100 of the callee stays there", events: [.start, .calleeProgress(status: 100)], actions: []),
        Case(name: "183 of the callee rings", events: ringing, actions: [.ringCaller]),
        Case(name: "it rings once", events: ringing + [.calleeProgress(status: 180)], actions: []),
        Case(name: "answer", events: answered, actions: [.stopRingTimer, .answerCaller]),
        Case(name: "media waits for the ACK", events: talking, actions: [.startMedia]),
        Case(
            name: "busy", events: ringing + [.calleeFailed(busy)],
            actions: [.stopRingTimer, .rejectCaller(busy), .finish(.refused(busy))]),
        Case(
            name: "caller gives up", events: ringing + [.callerCancelled],
            actions: [.stopRingTimer, .cancelCallee(.normalClearing), .finish(.cancelled)]),
        Case(
            name: "nobody answers", events: ringing + [.ringTimedOut],
            actions: [.cancelCallee(.noAnswer), .rejectCaller(late), .finish(.noAnswer)]),
        Case(name: "a CANCEL that crosses the 200 has no effect", events: answered + [.callerCancelled], actions: []),
        Case(
            name: "caller hangs up", events: talking + [.callerEnded(.normalClearing)],
            actions: [.hangUpCallee(.normalClearing), .finish(.completed(by: .caller, .normalClearing))]),
        Case(
            name: "callee hangs up", events: talking + [.calleeEnded(.normalClearing)],
            actions: [.hangUpCaller(.normalClearing), .finish(.completed(by: .callee, .normalClearing))]),
        Case(
            name: "callee hangs up before the ACK", events: answered + [.calleeEnded(.normalClearing)],
            actions: [.hangUpCaller(.normalClearing), .finish(.completed(by: .callee, .normalClearing))]),
        Case(
            name: "the edge ends it", events: talking + [.hangUp(.temporaryFailure)],
            actions: [
                .hangUpCaller(.temporaryFailure), .hangUpCallee(.temporaryFailure),
                .finish(.completed(by: .edge, .temporaryFailure)),
            ]),
        Case(
            name: "a late answer after the caller gave up is the leg's to end",
            events: ringing + [.callerCancelled, .calleeAnswered], actions: []),
        Case(
            name: "both hang up", events: talking + [.callerEnded(.normalClearing), .calleeEnded(.normalClearing)],
            actions: []),
        Case(name: "an ACK without an answer", events: [.start, .callerAcknowledged], actions: []),
        Case(name: "a second ACK", events: talking + [.callerAcknowledged], actions: []),
    ]

    @Test("events and what they bring about", arguments: cases)
    func table(_ example: Case) {
        var machine = B2BUA()
        var last: [B2BUA.Action] = []
        for event in example.events { last = machine.handle(event) }
        #expect(last == example.actions)
    }

    @Test(
        "a caller is told what the PBX meant, not what it said",
        arguments: [
            (404, 404), (486, 486), (600, 486), (603, 603), (403, 603), (480, 480), (408, 480), (401, 503), (488, 488),
            (302, 480), (500, 503), (503, 503), (499, 480),
        ])
    func statuses(callee: Int, caller: Int) {
        #expect(B2BUA.Refusal(callee: callee).status == caller)
    }

    @Test(
        "Reason header fields give their Q.850 cause",
        arguments: [
            ("Q.850;cause=17;text=\"User busy\"", 17), ("SIP;cause=200, Q.850 ;cause=16", 16), ("q.850; cause=34", 34),
            ("SIP;cause=487", nil), ("Q.850;cause=999", nil), ("Q.850;cause=", nil), ("", nil),
        ] as [(String, Int?)])
    func reasons(value: String, cause: Int?) {
        #expect(Q850Cause(reason: value)?.value == cause)
    }
}
