import Testing

@testable import SIPCore

@Suite struct FieldRedactionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var hidden: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(text: "<sip:a:secret@example.com>", hidden: "<sip:a:<hidden>@example.com>"),
        Case(
            text: "<sips:a:secret@example.com>,<sip:b:other@example.com>",
            hidden: "<sips:a:<hidden>@example.com>,<sip:b:<hidden>@example.com>"),
        Case(text: "sip:a@example.com", hidden: "sip:a@example.com"),
        Case(text: "x@y sip:a:not-a-password", hidden: "x@y sip:a:not-a-password"),
        Case(text: "sip:sip:secret@example.com", hidden: "sip:sip:<hidden>@example.com"),
    ])
    func passwordsOfURIsAreHidden(_ row: Case) {
        #expect(FieldRedaction.uriPasswords(row.text) == row.hidden)
    }

    /// Time that grew with the square of the length would take hours here.
    @Test(.timeLimit(.minutes(1))) func aLineOfSchemesIsReadOnce() {
        let text = "a@b" + String(repeating: "sip:", count: 250_000)
        #expect(FieldRedaction.uriPasswords(text) == text)
    }
}
