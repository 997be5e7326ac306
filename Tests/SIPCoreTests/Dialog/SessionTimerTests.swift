import Testing

@testable import SIPCore

@Suite struct SessionTimerTests {
    // MARK: Session-Expires

    struct Value: CustomTestStringConvertible {
        var text: String
        var seconds: Int?
        var refresher: SessionExpires.Refresher?
        var testDescription: String { text }
    }

    static let values: [Value] = [
        .init(text: "1800", seconds: 1_800),
        .init(text: "1800;refresher=uas", seconds: 1_800, refresher: .uas),
        .init(text: " 90 ; Refresher=UAC;x=\"y\"", seconds: 90, refresher: .uac),
        .init(text: "90;refresher=nobody", seconds: 90),
        .init(text: "0", seconds: 0),
        .init(text: "", seconds: nil),
        .init(text: "soon", seconds: nil),
        .init(text: "-90", seconds: nil),
        .init(text: "90 seconds", seconds: nil),
        .init(text: "99999999999999999999", seconds: nil),
    ]

    @Test(arguments: values) func isRead(_ value: Value) {
        let read = SessionExpires(value.text)
        #expect(read?.seconds == value.seconds)
        #expect(read?.refresher == value.refresher)
        if let read { #expect(SessionExpires(read.description) == read) }
    }

    @Test func theCompactFormIsTheSameField() {
        let headers: Headers = [HeaderField("x", "120;refresher=uac"), HeaderField(.minSE, "100")]
        #expect(headers.sessionExpires == SessionExpires(seconds: 120, refresher: .uac))
        #expect(headers.minSE == 100)
    }

    // MARK: Their request (RFC 4028 §9, table 2)

    struct Asked: CustomTestStringConvertible {
        var name: String
        var supported = true
        var expires: String?
        var minSE: Int?
        /// Our answer's Session-Expires; nil for none.
        var answer: String?
        var requires = true
        var refresh: Duration?
        var expiry: Duration?
        var testDescription: String { name }
    }

    static let asked: [Asked] = [
        .init(name: "nobody asks", supported: true, expires: nil, answer: nil),
        .init(
            name: "they leave it to us: they refresh", expires: "1800", answer: "1800;refresher=uac",
            expiry: .seconds(1_768)),
        .init(
            name: "they want to", expires: "600;refresher=uac", answer: "600;refresher=uac", expiry: .seconds(568)),
        .init(
            name: "we shall", expires: "600;refresher=uas", answer: "600;refresher=uas", refresh: .seconds(300),
            expiry: .seconds(568)),
        .init(
            name: "a proxy asks, they know nothing of it: we refresh", supported: false, expires: "600",
            answer: "600;refresher=uas", requires: false, refresh: .seconds(300), expiry: .seconds(568)),
        .init(
            name: "longer than we like", expires: "7200;refresher=uac", answer: "1800;refresher=uac",
            expiry: .seconds(1_768)),
        .init(
            name: "longer than we like, but their least", expires: "7200;refresher=uac", minSE: 3_600,
            answer: "3600;refresher=uac", expiry: .seconds(3_568)),
        .init(
            name: "the shortest", expires: "90;refresher=uas", answer: "90;refresher=uas", refresh: .seconds(45),
            expiry: .seconds(60)),
        .init(name: "a proxy asks for too little", supported: false, expires: "10", answer: nil),
    ]

    @Test(arguments: asked) func theirRequestIsAnswered(_ row: Asked) {
        var timer = SessionTimer()
        var headers: [HeaderField] = []
        if row.supported { headers.append(HeaderField(.supported, "replaces, Timer")) }
        if let expires = row.expires { headers.append(HeaderField(.sessionExpires, expires)) }
        if let minSE = row.minSE { headers.append(HeaderField(.minSE, "\(minSE)")) }
        let request = Requests.make(.invite, headers: headers)
        #expect(timer.refuses(request) == nil)
        let fields = Headers(timer.answer(request))
        #expect(fields[first: .sessionExpires] == row.answer)
        #expect(fields[first: .require] == (row.answer != nil && row.requires ? "timer" : nil))
        #expect(timer.refreshDelay == row.refresh)
        #expect(timer.expiryDelay == row.expiry)
    }

    @Test func tooShortIsRefusedWithWhatWeBear() {
        let timer = SessionTimer(.init(interval: 600, minimum: 120))
        func request(_ expires: String, supported: Bool) -> Request {
            Requests.make(
                .invite,
                headers: [HeaderField(.sessionExpires, expires)]
                    + (supported ? [HeaderField(.supported, "timer")] : []))
        }
        #expect(timer.refuses(request("119", supported: true)) == 120)
        #expect(timer.refuses(request("120", supported: true)) == nil)
        #expect(timer.refuses(request("119", supported: false)) == nil)
        // The RFC knows nothing below 90 s.
        #expect(SessionTimer(.init(interval: 1, minimum: 1)).refuses(request("89", supported: true)) == 90)
    }

    @Test func aRequestThatSaysNothingKeepsWhatIsAgreed() {
        var timer = SessionTimer()
        _ = timer.answer(
            Requests.make(
                .invite, headers: [HeaderField(.supported, "timer"), HeaderField(.sessionExpires, "600;refresher=uas")]
            ))
        let silent = Requests.make(.update, headers: [HeaderField(.supported, "timer")])
        let kept = timer.answer(silent)
        #expect(Headers(kept)[first: .sessionExpires] == "600;refresher=uas")
        #expect(timer.refreshDelay == .seconds(300))
        // From one that knows no timer (any more) it ends it.
        let none = timer.answer(Requests.make(.update))
        #expect(none.isEmpty)
        #expect(timer.refreshDelay == nil && timer.expiryDelay == nil)
    }

    // MARK: Our request (§7)

    private func answered(_ value: String?) -> SessionTimer {
        var timer = SessionTimer()
        let fields = value.map { [HeaderField(.sessionExpires, $0)] } ?? []
        timer.agree(with: Requests.make(.invite).response(200, headers: fields))
        return timer
    }

    @Test func theirAnswerSaysWhoRefreshes() {
        #expect(answered(nil).expiryDelay == nil)
        #expect(answered("1800;refresher=uac").refreshDelay == .seconds(900))
        #expect(answered("1800;refresher=uas").refreshDelay == nil)
        #expect(answered("1800;refresher=uas").expiryDelay == .seconds(1_768))
        #expect(answered("1800").refreshDelay == .seconds(900))
        #expect(answered("5;refresher=uac").refreshDelay == .seconds(45))  // no flood because of a peer's mistake
    }

    @Test func ourRequestsKeepTheRoles() {
        #expect(SessionTimer().requestFields == [HeaderField(.sessionExpires, "1800")])
        #expect(answered("600;refresher=uac").requestFields == [HeaderField(.sessionExpires, "600;refresher=uac")])
        #expect(answered("600;refresher=uas").requestFields == [HeaderField(.sessionExpires, "600;refresher=uas")])
    }

    @Test func a422RaisesTheIntervalOnce() {
        var timer = SessionTimer(.init(interval: 120))
        func refusal(_ least: String?) -> Response {
            Requests.make(.invite).response(422, headers: least.map { [HeaderField(.minSE, $0)] } ?? [])
        }
        var raised = timer.raise(to: refusal(nil))
        #expect(!raised)
        raised = timer.raise(to: refusal("120"))  // what we asked for already
        #expect(!raised)
        raised = timer.raise(to: refusal("300"))
        #expect(raised)
        #expect(timer.requestFields == [HeaderField(.sessionExpires, "300"), HeaderField(.minSE, "300")])
        raised = timer.raise(to: refusal("300"))
        #expect(!raised)
    }
}
