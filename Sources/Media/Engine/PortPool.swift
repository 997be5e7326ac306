import Glibc
import Synchronization

/// The sockets of a leg on their way to its worker.
struct LegSockets: Sendable {
    var rtp: Int32
    /// On the port above, closed again when RTCP turns out to be muxed; -1: not bound, as RTCP is known to be.
    var rtcp: Int32
    var address: MediaAddress
}

/// The engine's ports and its limit of legs, for all threads.
final class PortPool: Sendable {
    private struct State: Sendable {
        var allocator: PortAllocator
        var legs = 0
    }

    private let state: Mutex<State>
    private let maxLegs: Int

    init(_ configuration: MediaConfiguration) {
        maxLegs = configuration.maxLegs
        state = Mutex(State(allocator: PortAllocator(ports: configuration.ports, rest: configuration.portRest)))
    }

    /// Binds a pair of ports on `host` (its port is ignored), skipping those that other programs hold.
    func open(_ host: MediaAddress, rtcpMux: Bool) throws(MediaError) -> LegSockets {
        // Bounded: each round takes a port out of the free ones.
        while true {
            let port = try take()
            do throws(SystemError) {
                let address = host.with(port: port)
                let rtp = try UDPSocket.open(address)
                do throws(SystemError) {
                    let rtcp = rtcpMux ? -1 : try UDPSocket.open(host.with(port: port + 1))
                    return LegSockets(rtp: rtp, rtcp: rtcp, address: address)
                } catch {
                    UDPSocket.close(rtp)
                    throw error
                }
            } catch  where error.code == EADDRINUSE || error.code == EACCES {
                giveBack { $0.refuse(port, now: $1) }
            } catch {
                giveBack { $0.release(port, now: $1) }
                throw Self.describe(error, host)
            }
        }
    }

    /// After the sockets are closed.
    func release(_ port: UInt16) {
        giveBack { $0.release(port, now: $1) }
    }

    func fill(_ statistics: inout EngineStatistics) {
        let now = MediaInstant.monotonic()
        let allocator = state.withLock { state in
            state.allocator.wake(now: now)
            return state.allocator
        }
        statistics.portsFree = allocator.freeCount
        statistics.portsUsed = allocator.usedCount
        statistics.portsResting = allocator.restingCount
        statistics.portsSquatted = allocator.squattedCount
    }

    private func take() throws(MediaError) -> UInt16 {
        let now = MediaInstant.monotonic()
        let result = state.withLock { state -> Result<UInt16, MediaError> in
            guard state.legs < maxLegs else {
                return .failure(
                    MediaError(
                        code: .legLimit, message: "\(maxLegs) media legs are open, which is the limit",
                        remedy: "raise media.maxLegs, or send fewer calls here"))
            }
            guard let port = state.allocator.take(now: now) else {
                return .failure(Self.exhausted(state.allocator))
            }
            state.legs += 1
            return .success(port)
        }
        return try result.get()
    }

    private func giveBack(_ how: (inout PortAllocator, MediaInstant) -> Void) {
        let now = MediaInstant.monotonic()
        state.withLock { state in
            state.legs -= 1
            how(&state.allocator, now)
        }
    }

    private static func exhausted(_ allocator: PortAllocator) -> MediaError {
        let range = "\(allocator.ports.lowerBound)–\(allocator.ports.upperBound)"
        let counts =
            "\(allocator.usedCount) in use, \(allocator.restingCount) resting, "
            + "\(allocator.squattedCount) held by other programs"
        return MediaError(
            code: .portRangeExhausted, message: "no free even RTP port in \(range): \(counts)",
            remedy: "widen media.ports, lower the limit of calls, or end the program that holds the ports")
    }

    static func describe(_ error: SystemError, _ address: MediaAddress) -> MediaError {
        switch error.code {
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            MediaError(
                code: .addressUnavailable, message: "cannot bind RTP to \(address.host): \(error.text)",
                remedy: "set media.bindAddress to an address of this machine, or to 0.0.0.0 for all of them")
        case EMFILE, ENFILE:
            MediaError(
                code: .descriptorsExhausted, message: "no file descriptor left for an RTP socket: \(error.text)",
                remedy: "raise LimitNOFILE of the service (ulimit -n): a leg takes up to two")
        default:
            MediaError(
                code: .systemCallFailed, message: "cannot open an RTP socket on \(address.host): \(error.text)",
                remedy: "see the system's log; media.bindAddress and media.ports say what was asked for")
        }
    }
}
