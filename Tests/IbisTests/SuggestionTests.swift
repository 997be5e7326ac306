import Testing

@testable import Ibis

struct SuggestionTests {
    @Test func distances() {
        func distance(_ a: String, _ b: String) -> Int { Suggestion.distance(Array(a), Array(b)) }
        #expect(distance("", "") == 0)
        #expect(distance("", "abc") == 3)
        #expect(distance("port", "port") == 0)
        #expect(distance("prot", "port") == 1)
        #expect(distance("port", "ports") == 1)
        #expect(distance("kitten", "sitting") == 3)
    }

    @Test func nearest() {
        let known = ["sip.tlsPort", "sip.peerPort", "log.level"]
        #expect(Suggestion.nearest(to: "SIP.TLS-PORT", among: known) == "sip.tlsPort")
        #expect(Suggestion.nearest(to: "log.levle", among: known) == "log.level")
        #expect(Suggestion.nearest(to: "completely.different", among: known) == nil)
        #expect(Suggestion.nearest(to: "a", among: []) == nil)
    }
}
