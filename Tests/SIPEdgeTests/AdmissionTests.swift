import NIOCore
import SIPCore
import Testing

@testable import SIPEdge

@Suite("Which new INVITEs are admitted") struct AdmissionTests {
    private func host(_ text: String) throws -> HostAddress { try #require(HostAddress(text)) }

    private static func at(_ milliseconds: Int) -> Instant { Instant(.milliseconds(milliseconds)) }

    private static func admission(rate: Int = 1_000, perSource: Int = 10, maximumLag: Duration = .milliseconds(100))
        -> Admission
    {
        Admission(
            EdgeLimits(callsPerSecond: rate, callsPerSecondPerSource: perSource, maximumLag: maximumLag), now: at(0))
    }

    @Test("a source gets its rate, another one its own")
    func perSource() throws {
        var admission = Self.admission()
        let (one, other) = (try host("192.0.2.1"), try host("192.0.2.2"))
        for _ in 0..<10 { #expect(admission.refusal(of: one, .meta, now: Self.at(0)) == nil) }
        #expect(admission.refusal(of: one, .meta, now: Self.at(0)) == .sourceRate)
        #expect(admission.refusal(of: other, .meta, now: Self.at(0)) == nil)
        // A token comes every 100 ms.
        #expect(admission.refusal(of: one, .meta, now: Self.at(99)) == .sourceRate)
        #expect(admission.refusal(of: one, .meta, now: Self.at(101)) == nil)
        #expect(admission.refusal(of: one, .meta, now: Self.at(102)) == .sourceRate)
    }

    @Test("a /64 of IPv6 is one source, a mapped IPv4 address is the IPv4 one")
    func prefixes() throws {
        var admission = Self.admission(perSource: 2)
        let sources = [("2001:db8::1", nil), ("2001:db8::2", nil), ("2001:db8::ffff:3", Admission.Refusal.sourceRate)]
        for (source, refusal) in sources + [("2001:db8:0:1::1", nil)] {
            #expect(admission.refusal(of: try host(source), .meta, now: Self.at(0)) == refusal, "\(source)")
        }
        #expect(try host("::ffff:192.0.2.1") == host("192.0.2.1"))
        #expect(try host("192.0.2.1").source == host("192.0.2.1"))
        #expect(try host("192.0.2.1") != host("192.0.2.2"))
        #expect(HostAddress("example.com") == nil)
    }

    @Test("sources that are told apart are bounded; those beyond share one rate, and quiet ones are forgotten")
    func table() throws {
        var admission = Self.admission(rate: 1_000_000, perSource: 1)
        var refused = 0
        for number in 0..<5_000 {
            let source = try host("10.0.\(number / 250).\(number % 250)")
            if admission.refusal(of: source, .meta, now: Self.at(0)) != nil { refused += 1 }
        }
        #expect(admission.trackedSources == Admission.maximumSources)
        #expect(refused == 5_000 - Admission.maximumSources - 1)
        #expect(admission.refusal(of: try host("10.1.0.1"), .meta, now: Self.at(2_000)) == nil)
        #expect(admission.trackedSources == 1)
    }

    @Test("one side's flood leaves the other its tenth")
    func sides() throws {
        var admission = Self.admission(rate: 100, perSource: 1_000)
        let (meta, pbx) = (try host("192.0.2.1"), try host("192.0.2.2"))
        var admitted = 0
        for _ in 0..<200 where admission.refusal(of: meta, .meta, now: Self.at(0)) == nil { admitted += 1 }
        #expect(admitted == 90)
        #expect(admission.refusal(of: meta, .meta, now: Self.at(0)) == .rate)
        for _ in 0..<10 { #expect(admission.refusal(of: pbx, .peer, now: Self.at(0)) == nil) }
        #expect(admission.refusal(of: pbx, .peer, now: Self.at(0)) == .rate)
    }

    @Test("a full machine sheds a growing part of the calls, and takes them back when it is calm")
    func overload() throws {
        var admission = Self.admission(rate: 100_000, perSource: 100_000)
        let source = try host("192.0.2.1")
        // Ten a second are served whatever happens: out of the way.
        for _ in 0..<10 { _ = admission.refusal(of: source, .meta, now: Self.at(0)) }
        func admitted(_ admission: inout Admission, at time: Int) -> Int {
            (0..<1_000).count { _ in admission.refusal(of: source, .meta, now: Self.at(time)) == nil }
        }
        admission.sample(busy: 1, lag: .zero)
        #expect(admission.share == 1, "a single sample is no overload")
        #expect(admitted(&admission, at: 0) == 1_000)
        for _ in 0..<4 { admission.sample(busy: 1, lag: .zero) }
        #expect(admission.share < 0.5)
        let part = admitted(&admission, at: 0)
        #expect(abs(Double(part) / 1_000 - admission.share) < 0.01)
        // Neither full nor calm: it stays.
        let before = admission.share
        for _ in 0..<10 { admission.sample(busy: 0.9, lag: .zero) }
        #expect(admission.share == before)
        for _ in 0..<40 { admission.sample(busy: 0.5, lag: .zero) }
        #expect(admission.share == 1)
    }

    @Test("a loop that comes late sheds, one that is hopelessly late takes next to nothing")
    func lag() throws {
        var admission = Self.admission(rate: 100_000, perSource: 100_000)
        let source = try host("192.0.2.1")
        for _ in 0..<3 { admission.sample(busy: 0.1, lag: .milliseconds(120)) }
        #expect(admission.share < 0.7 && admission.share > 0.5)
        admission.sample(busy: 0.1, lag: .milliseconds(500))
        #expect(admission.share == 0)
        let served = (0..<100).count { _ in admission.refusal(of: source, .meta, now: Self.at(0)) == nil }
        #expect(served == 10)
        #expect(admission.refusal(of: source, .meta, now: Self.at(0)) == .overload)
    }

    @Test("with a lag of 0 nothing is measured")
    func off() {
        var admission = Self.admission(maximumLag: .zero)
        for _ in 0..<100 { admission.sample(busy: 1, lag: .seconds(10)) }
        #expect(admission.share == 1)
    }
}

@Suite("INVITEs that came by two ways") struct MergedInvitesTests {
    private func invite(tag: String = "a", call: String = "c", cseq: Int = 1) -> Request {
        Request(
            method: .invite, uri: SIPURI("sip:+15550100001@example.com") ?? .init(scheme: .sip, host: "example.com"),
            headers: [
                HeaderField(name: .from, value: "<sip:a@example.com>;tag=\(tag)"),
                HeaderField(name: .callID, value: call), HeaderField(name: .cseq, value: "\(cseq) INVITE"),
            ])
    }

    @Test func sameRequest() {
        var merged = MergedInvites()
        let results = [
            invite(), invite(), invite(tag: "b"), invite(call: "d"), invite(cseq: 2), invite(),
        ].map { merged.isMerged($0, now: Instant(.zero)) }
        #expect(results == [false, true, false, false, false, true])
        let late = merged.isMerged(invite(), now: Instant(MergedInvites.memory))
        #expect(!late)
        #expect(merged.count == 1)
    }

    @Test func bounded() {
        var merged = MergedInvites()
        for number in 0..<(MergedInvites.maximum + 100) {
            _ = merged.isMerged(invite(cseq: number), now: Instant(.zero))
        }
        #expect(merged.count == MergedInvites.maximum)
    }
}
