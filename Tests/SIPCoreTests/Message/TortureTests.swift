import Testing

@testable import SIPCore

@Suite struct TortureTests {
    /// Every section of both RFCs that describes messages has one here.
    @Test func noSectionIsLeftOut() {
        let rfc4475 =
            (1...13).map { "3.1.1.\($0)" } + (1...19).map { "3.1.2.\($0)" } + ["3.2.1"] + (1...15).map { "3.3.\($0)" }
            + ["3.4.1"]
        let rfc5118 = (1...10).map { "5118 4.\($0)" }
        let covered = Set(Torture.all.map(\.section))
        for section in rfc4475 + rfc5118 { #expect(covered.contains(section), "no message for §\(section)") }
        #expect(covered.subtracting(rfc4475 + rfc5118).isEmpty, "a section that does not exist")
    }

    @Test(arguments: Torture.all)
    func datagramHasTheOutcomeOfItsSection(_ torture: Torture) {
        let result = Result { () throws(MalformedMessage) in try Message(torture.octets) }
        switch (torture.outcome, result) {
        case (.valid(let holds), .success(let message)):
            #expect(holds(message))
        case (.refused(let status), .failure(let error)), (.refusedAndClosed(let status), .failure(let error)):
            #expect(error.status == status)
            #expect(error.request != nil)
        case (.dropped, .failure(let error)):
            #expect(error.request == nil)
        case (.valid, .failure(let error)):
            Issue.record("refused: \(error) at \(error.offset)")
        case (.refused, .success), (.refusedAndClosed, .success), (.dropped, .success):
            Issue.record("accepted")
        }
    }

    @Test(arguments: Torture.all)
    func validMessagesSurviveDecodingAndEncoding(_ torture: Torture) throws {
        guard case .valid = torture.outcome else { return }
        let message = try Message(torture.octets)
        #expect(try Message(message.encoded()) == message)
    }

    /// One octet at a time, with a good message behind: the stream goes on exactly where it should.
    @Test(arguments: Torture.all)
    func drippedStreamHasTheOutcomeOfItsSection(_ torture: Torture) throws {
        // Its body is shorter than promised: on a stream that is just a message still to come.
        guard torture.name != "clerr" else { return }
        var framer = StreamFramer()
        var frames: [StreamFramer.Frame] = []
        var failure: MalformedMessage?
        for octet in torture.octets + MetaExamples.ack where failure == nil {
            framer.append([octet])
            do throws(MalformedMessage) {
                while let frame = try framer.next() { frames.append(frame) }
            } catch {
                failure = error
            }
        }
        let behind = try Message(MetaExamples.ack)
        switch torture.outcome {
        case .valid:
            #expect(failure == nil)
            #expect(frames.first == .message(try Message(torture.octets)))
            #expect(frames.last == .message(behind))
            #expect(frames.count == (torture.name == "dblreq" ? 3 : 2))
        case .refused(let status):
            #expect(failure == nil)
            #expect(frames.count == 2)
            let error = try #require(frames.first?.fault)
            #expect(error.status == status)
            #expect(error.request != nil)
            #expect(frames.last == .message(behind))
        case .refusedAndClosed(let status):
            #expect(frames.isEmpty)
            #expect(failure?.status == status)
            #expect(failure?.request != nil)
        case .dropped:
            #expect(failure == nil)
            #expect(frames.count == 2)
            let error = try #require(frames.first?.fault)
            #expect(error.request == nil)
            #expect(frames.last == .message(behind))
        }
    }
}

extension StreamFramer.Frame {
    fileprivate var fault: MalformedMessage? { if case .malformed(let error) = self { error } else { nil } }
}
