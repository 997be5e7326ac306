import SIPCore
import Testing

@testable import SIPEdge

@Suite("Random octets")
struct SecureRandomTests {
    @Test("nothing is given out twice, across refills and from several tasks")
    func unique() async {
        let all = await withTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<4 { group.addTask { (0..<1_000).map { _ in SecureRandom.octets(30) } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(all).count == 4_000)
        #expect(all.allSatisfy { $0.count == 30 })
    }

    @Test("as much as a portion can be asked for at once")
    func whole() {
        #expect(SecureRandom.octets(256).count == 256)
        #expect(SecureRandom.octets(0).isEmpty)
    }

    @Test("ids are 24 hexadecimal digits, each another")
    func ids() {
        let ids = (0..<1_000).map { _ in IDSource.random.next() }
        #expect(Set(ids).count == 1_000)
        #expect(ids.allSatisfy { $0.utf8.count == 24 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } })
    }
}
