import NIOCore
import SIPCore
import Testing

@testable import SIPEdge

@Suite("What is kept of completed transactions") struct CompletedTransactionsTests {
    private let flow: Flow
    private let timing = Timing()

    init() throws {
        flow = Flow(
            transport: .udp, connection: 0, remote: try SocketAddress(ipAddress: "192.0.2.1", port: 5_060))
    }

    private func request(_ method: SIPCore.Method, branch: String = "z9hG4bK1") -> Request {
        Request(
            method: method, uri: SIPURI("sip:+15550100001@example.com") ?? .init(scheme: .sip, host: "example.com"),
            headers: [
                HeaderField(name: .via, value: "SIP/2.0/UDP 192.0.2.1:5060;branch=\(branch)"),
                HeaderField(name: .from, value: "<sip:a@example.com>;tag=a"),
                HeaderField(name: .to, value: "<sip:b@example.com>;tag=b"),
                HeaderField(name: .callID, value: "c"), HeaderField(name: .cseq, value: "1 \(method)"),
            ])
    }

    /// The table after this final response, at 0 s.
    private func answered(
        _ method: SIPCore.Method, _ status: Int, reliable: Bool = false, answer: [UInt8] = [1, 2, 3]
    ) throws -> (CompletedTransactions, TransactionKey) {
        var table = CompletedTransactions()
        let key = try #require(TransactionKey(server: request(method)))
        var timers: [(CompletedTransactions.Timer, at: Instant)] = []
        let machine: CompletedTransactions.Machine
        if method == .invite {
            var invite = InviteServerTransaction(request: request(method), reliable: reliable)
            _ = invite.handle(.start, now: Instant(.zero))
            for case .arm(let timer, let at) in invite.handle(.respond(Response(status: status)), now: Instant(.zero)) {
                timers.append((.init(timer), at: at))
            }
            machine = .invite(invite)
        } else {
            var other = NonInviteServerTransaction(request: request(method), reliable: reliable)
            _ = other.handle(.start, now: Instant(.zero))
            for case .arm(_, let at) in other.handle(.respond(Response(status: status)), now: Instant(.zero)) {
                timers.append((.linger, at: at))
            }
            machine = .other(other)
        }
        table.add(server: key, machine, flow: flow, answer: answer, timers: timers)
        return (table, key)
    }

    private func at(_ seconds: Double) -> Instant { Instant(.seconds(seconds)) }

    private func sent(_ effects: [CompletedTransactions.Effect]?) -> Int {
        (effects ?? []).count { if case .send([1, 2, 3], _) = $0 { true } else { false } }
    }

    @Test("a BYE again gets its answer again, for 32 s (timer J)")
    func repeated() throws {
        var (table, key) = try answered(.bye, 200)
        #expect(sent(table.received(request(.bye), key, now: at(1))) == 1)
        #expect(sent(table.received(request(.bye), key, now: at(31))) == 1)
        #expect(table.fire(now: at(31.9)).isEmpty)
        #expect(table.serverCount == 1)
        #expect(table.fire(now: at(32)).isEmpty)
        #expect(table.serverCount == 0 && table.octets == 0)
        let late = table.received(request(.bye), key, now: at(33))
        #expect(late == nil)
    }

    @Test("a refusal is sent again until the ACK comes (timers G, H, I)")
    func refusal() throws {
        var (table, key) = try answered(.invite, 486)
        var times: [Double] = []
        for step in 1...70 {
            let time = Double(step) / 10
            if sent(table.fire(now: at(time))) > 0 { times.append(time) }
        }
        #expect(times == [0.5, 1.5, 3.5])
        #expect(sent(table.received(request(.invite), key, now: at(7.1))) == 1)
        #expect(table.received(request(.ack), key, now: at(7.2))?.isEmpty == true)
        #expect(table.fire(now: at(12.1)).isEmpty, "nothing is sent after the ACK")
        #expect(table.serverCount == 1)
        #expect(table.fire(now: at(12.3)).isEmpty)
        #expect(table.serverCount == 0)
    }

    @Test("a refusal without ACK ends after 32 s")
    func withoutACK() throws {
        var (table, _) = try answered(.invite, 486)
        for step in 1...320 { _ = table.fire(now: at(Double(step) / 10)) }
        #expect(table.serverCount == 0)
        #expect(table.fire(now: at(100)).isEmpty, "void timers do nothing")
        #expect(table.nextDeadline == nil)
    }

    @Test("an accepted INVITE again is swallowed, the ACK on its branch goes up (RFC 6026)")
    func accepted() throws {
        var (table, key) = try answered(.invite, 200, reliable: true, answer: [])
        #expect(table.received(request(.invite), key, now: at(1))?.isEmpty == true)
        let effects = table.received(request(.ack), key, now: at(1)) ?? []
        #expect(effects.count == 1)
        if case .acknowledged(let ack, _) = effects.first { #expect(ack.method == .ack) } else { Issue.record() }
        #expect(table.fire(now: at(32)).isEmpty)
        #expect(table.serverCount == 0)
    }

    @Test("a repeated refusal gets its ACK again, from its own source alone (timer D)")
    func clients() throws {
        var table = CompletedTransactions()
        let key = try #require(TransactionKey(client: request(.invite)))
        table.add(client: key, flow: flow, ack: [1, 2, 3], until: at(32))
        #expect(sent(table.received(Response(status: 486), key, from: flow)) == 1)
        let stranger = Flow(
            transport: .udp, connection: 0, remote: try SocketAddress(ipAddress: "192.0.2.2", port: 5_060))
        #expect(table.received(Response(status: 486), key, from: stranger) == nil)
        #expect(table.fire(now: at(32)).isEmpty)
        #expect(table.clientCount == 0)
    }

    @Test("an accepted INVITE costs little, whatever came with it, and gives all back")
    func memory() throws {
        var table = CompletedTransactions()
        let count = 10_000
        for number in 0..<count {
            let request = request(.invite, branch: "z9hG4bKPj\(number)")
            var machine = InviteServerTransaction(request: request, reliable: true)
            _ = machine.handle(.start, now: Instant(.zero))
            _ = machine.handle(.respond(Response(status: 200, reason: "")), now: Instant(.zero))
            let key = try #require(TransactionKey(server: request))
            table.add(server: key, .invite(machine), flow: flow, answer: [], timers: [(.linger, at: at(32))])
        }
        // With the object's head, its place in the table and in the heap it stays below what it is counted for.
        #expect(MemoryLayout<CompletedTransactions.Record>.size <= 320)
        #expect(table.octets == count * CompletedTransactions.overhead)
        #expect(table.fire(now: at(32)).isEmpty)
        #expect(table.serverCount == 0 && table.octets == 0)
    }
}
