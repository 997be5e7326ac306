import Testing

@testable import SIPEdge

@Suite("The order in which peers are tried") struct PeerSelectionTests {
    typealias Member = PeerSelection.Member

    static func members(_ weights: [String: Int]) -> [Member] {
        weights.sorted { $0.key < $1.key }.map { Member(name: $0.key, weight: $0.value, state: .up, hasRoom: true) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let members: [Member]
        let order: [String]

        init(_ name: String, _ members: [(String, Qualify.State, Bool)], _ order: [String]) {
            testDescription = name
            self.members = members.map { Member(name: $0.0, weight: 1, state: $0.1, hasRoom: $0.2) }
            self.order = order
        }
    }

    @Test(
        "who is left out",
        arguments: [
            Case("all up", [("a", .up, true), ("b", .up, true)], ["a", "b"]),
            Case("not yet known counts as up", [("a", .unknown, true), ("b", .up, true)], ["a", "b"]),
            Case("a is down", [("a", .down, true), ("b", .up, true)], ["b"]),
            Case("all are down: tried nevertheless", [("a", .down, true), ("b", .down, true)], ["a", "b"]),
            Case("a is at its limit", [("a", .up, false), ("b", .up, true)], ["b"]),
            Case("who is not down is at its limit", [("a", .up, false), ("b", .down, true)], ["b"]),
            Case("all are at their limits", [("a", .up, false), ("b", .unknown, false)], []),
            Case("down and at its limit", [("a", .down, false)], []),
            Case("none at all", [], []),
        ])
    func leftOut(_ row: Case) {
        for spread in Spread.allCases {
            let order = PeerSelection.order(row.members, by: spread, caller: "+15550100199", random: 7)
            #expect(order.sorted() == row.order.sorted(), "\(spread)")
        }
        #expect(PeerSelection.order(row.members, by: .order, caller: "+15550100199", random: 7) == row.order)
    }

    @Test("by weight each peer is first as often as its weight says")
    func weights() {
        let members = Self.members(["a": 1, "b": 3, "c": 6])
        var first: [String: Int] = [:]
        var second: [String: Int] = [:]
        let calls = 20_000
        for call in 0..<calls {
            let order = PeerSelection.order(members, by: .weight, caller: "", random: UInt64(call))
            first[order[0], default: 0] += 1
            if order[0] == "c" { second[order[1], default: 0] += 1 }
        }
        for (name, share) in ["a": 0.1, "b": 0.3, "c": 0.6] {
            #expect(abs(Double(first[name] ?? 0) / Double(calls) - share) < 0.015, "\(name)")
        }
        // Of those that stand behind c, b comes three times as often as a.
        let ratio = Double(second["b"] ?? 0) / Double(second["a"] ?? 1)
        #expect(abs(ratio - 3) < 0.3)
    }

    @Test("by caller: always the same peer, shares by weight, and a loss moves only the lost peer's callers")
    func hash() {
        let all = Self.members(["a": 1, "b": 1, "c": 2])
        var without = all
        without[1].state = .down
        var share: [String: Int] = [:]
        let callers = 12_000
        for number in 0..<callers {
            let caller = "+1555\(1_000_000 + number)"
            let order = PeerSelection.order(all, by: .hash, caller: caller, random: UInt64(number))
            share[order[0], default: 0] += 1
            #expect(PeerSelection.order(all, by: .hash, caller: caller, random: 0) == order)
            #expect(PeerSelection.order(without, by: .hash, caller: caller, random: 1) == order.filter { $0 != "b" })
        }
        for (name, expected) in ["a": 0.25, "b": 0.25, "c": 0.5] {
            #expect(abs(Double(share[name] ?? 0) / Double(callers) - expected) < 0.015, "\(name)")
        }
    }

    @Test("by caller it is the same in every process and version")
    func stable() {
        let members = Self.members(["asterisk-1": 1, "asterisk-2": 1, "asterisk-3": 1])
        let first = (0..<12).map { number in
            PeerSelection.order(members, by: .hash, caller: "+1555010010\(number)", random: 0)[0].last
        }
        #expect(String(first.compactMap { $0 }) == "231123233223")
        #expect(WeightedOrder.hash("foobar") == 0x8594_4171_F739_67E8)  // FNV-1a's own test vector
    }
}
