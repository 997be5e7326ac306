import Simulators
import Testing

/// A rule without a test that breaks it is a rule that nobody knows to work.
@Suite("Every rule is broken by a test") struct CoverageTests {
    /// Rules whose tests are no table.
    static let single: [MetaRule: String] = [
        .tlsHandshake: "TLSTests.plain", .tlsCertificate: "AnswerRefusalTests.certificate",
        .duplicateCall: "InviteRefusalTests.duplicate", .digestReplay: "DigestRefusalTests.replay",
        .digestCSeq: "DigestRefusalTests.order", .digestRogueRealm: "DigestRefusalTests.rogue",
        .ackMissing: "InDialogTests.ack", .refusalACKMissing: "InDialogTests.refusalACK",
        .responseConnection: "AnswerRefusalTests.otherConnection",
        .challengeRepeated: "AnswerRefusalTests.challengeAgain", .cancelUnanswered: "AnswerRefusalTests.cancel",
        .byeUnanswered: "AnswerRefusalTests.bye", .mediaAbsent: "MediaTests.absent",
        .mediaStopped: "MediaTests.stopped",
    ]

    @Test("tables and single tests name them all")
    func all() {
        var broken = Set(Self.single.keys)
        broken.formUnion(SimulatorSuite.TLSTests.cases.compactMap(\.rule))
        broken.formUnion(SimulatorSuite.InviteRefusalTests.cases.map(\.rule))
        broken.formUnion(SimulatorSuite.InviteRefusalTests.strays.map(\.rule))
        broken.formUnion(SimulatorSuite.DigestRefusalTests.cases.map(\.rule))
        broken.formUnion(SimulatorSuite.InDialogTests.cases.map(\.rule))
        broken.formUnion(SimulatorSuite.InDialogTests.acks.map(\.rule))
        broken.formUnion(SimulatorSuite.AnswerRefusalTests.cases.flatMap(\.rules))
        broken.formUnion(MediaRulesTests.cases.compactMap(\.rule))
        #expect(Set(MetaRule.allCases).subtracting(broken) == [])
    }

    @Test("every rule names its section and says in a sentence what is asked for", arguments: MetaRule.allCases)
    func words(_ rule: MetaRule) {
        #expect(rule.section.wholeMatch(of: /[0-9]+(\.[0-9]+)?/) != nil)
        #expect(rule.meaning.count > 15 && !rule.meaning.hasSuffix("."))
        #expect(Violation(rule, "x").description == "\(rule.meaning) (meta-calling §\(rule.section)); seen: x")
    }
}
