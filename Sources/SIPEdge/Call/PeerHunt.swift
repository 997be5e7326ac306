import Logging
import NIOCore
import SIPCore

/// The PBX's side of a call where several peers, or several addresses of one, may take it: tries one after the other
/// until one of them decides.
///
/// The next one is tried on a network error, on 408 and 5xx, and when not even a 100 has come within 4 s;
/// any other answer is the PBX's word and ends the hunt, as do the caller's CANCEL and the end of the ring time, which
/// all attempts share. Ringing changes nothing: after 180 a 503 moves the call on as before, since the caller has heard
/// ringing and goes on hearing it. Each attempt is an INVITE of its own (Call-ID, tag, branch, SRTP keys); a late 200 of
/// one that was given up is acknowledged and hung up by its leg, and touches no media.
final class PeerHunt: CalleeSide {
    /// For the first sign of life of an attempt, while there is another one to make; the last may take its time. With
    /// T1's usual half second 4 s, in which an INVITE over UDP was sent four times.
    private var attemptTime: TimeAmount { TimeAmount(context.services.timing.t1 * 8) }

    static var full: CallRefused {
        CallRefused(503, "every PBX of this number has as many calls as it may", retryAfter: 10)
    }
    static var noAddress: CallRefused {
        CallRefused(503, "the PBX of this number has no address now", retryAfter: 10)
    }

    private let request: PeerCallee.Request
    private let media: PeerMedia
    private let context: CallContext
    private var peers: ArraySlice<PeerEntry>
    /// The ways to the present peer that were not tried yet.
    private var trunks: ArraySlice<PeerTrunk> = []
    private var attempt: Attempt?
    /// The leg of the present attempt, or of the last one.
    private var callee: PeerCallee?
    private var attempts = 0
    private var timer: Scheduled<Void>?
    /// The most telling of the failures so far; one that a PBX sent before one that we made up.
    private var failure: (refusal: B2BUA.Refusal, wasSent: Bool)?
    /// The longest that one of the peers may ring.
    let ringTimeout: Duration
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    /// Without its leg, whose callbacks hold it.
    private struct Attempt {
        let peer: PeerEntry
        let trunk: PeerTrunk
        let seat: PeerSeat
    }

    /// - Parameter peers: in the order to be tried.
    init(peers: [PeerEntry], request: PeerCallee.Request, media: PeerMedia, context: CallContext) {
        self.peers = peers[...]
        self.request = request
        self.media = media
        self.context = context
        ringTimeout = peers.map(\.peer.ringTimeout).max() ?? .seconds(45)
    }

    func start() { tryNext(at: nil) }

    func end(_ cause: Q850Cause) {
        stopTimer()
        callee?.end(cause)
        attempt?.seat.leave()
        peers = []
        trunks = []
    }

    var facts: Logger.Metadata {
        ["peer": "\(attempt?.peer.peer.name ?? "none")", "attempts": "\(attempts)"]
    }

    // MARK: Attempts

    /// - Parameter last: the peer whose other addresses come first, and its place.
    private func tryNext(at last: (peer: PeerEntry, seat: PeerSeat)?) {
        if let last, let trunk = trunks.popFirst() { return invite(last.peer, trunk, last.seat) }
        last?.seat.leave()
        while let peer = peers.popFirst() {
            let ways = peer.trunks()
            guard let trunk = ways.first else {
                failure = failure ?? (Self.noAddress.refusal, false)
                continue
            }
            // There was room when the call began.
            guard let seat = peer.seat() else { continue }
            trunks = ways.dropFirst()
            return invite(peer, trunk, seat)
        }
        attempt = nil
        if failure == nil { context.services.counters.count(.callsRefusedPeersFull) }
        onEvent(.calleeFailed(failure?.refusal ?? Self.full.refusal))
    }

    private func invite(_ peer: PeerEntry, _ trunk: PeerTrunk, _ seat: PeerSeat) {
        attempts += 1
        if attempts > 1 {
            context.services.counters.count(.peerFailovers)
            context.logger.info(
                "trying another peer or address",
                metadata: [
                    "peer": "\(peer.peer.name)", "sip.peer": "\(trunk.remote.hostAndPort)", "attempt": "\(attempts)",
                ])
        }
        let callee = PeerCallee(trunk: trunk, request: request, media: media, context: context)
        let attempt = Attempt(peer: peer, trunk: trunk, seat: seat)
        self.attempt = attempt
        self.callee = callee
        callee.onEvent = { [weak self] in self?.handle($0, of: attempt) }
        callee.takesOver = { [weak self] status, response in
            self?.failed(attempt, status: status, response: response) ?? false
        }
        if !trunks.isEmpty || !peers.isEmpty {
            timer = context.services.loop.assumeIsolated().scheduleTask(in: attemptTime) { [weak self] in
                self?.giveUp(attempt)
            }
        }
        callee.start()
    }

    private func handle(_ event: B2BUA.Event, of attempt: Attempt) {
        stopTimer()
        switch event {
        case .calleeProgress(let status) where status <= 100: break
        case .calleeEnded: attempt.seat.leave()
        case .calleeFailed, .calleeUnusable:
            attempt.peer.reached(at: attempt.trunk.remote)
            attempt.seat.leave()
        default: attempt.peer.reached(at: attempt.trunk.remote)
        }
        onEvent(event)
    }

    /// True when the attempt's failure is no answer to the call.
    private func failed(_ attempt: Attempt, status: Int, response: Response?) -> Bool {
        guard status == 408 || (500...599).contains(status) else { return false }
        moveOn(from: attempt, status: status, response: response)
        return true
    }

    /// Nothing was heard. Its leg cancels it when that becomes possible.
    private func giveUp(_ attempt: Attempt) {
        context.logger.info(
            "peer is silent",
            metadata: ["peer": "\(attempt.peer.peer.name)", "sip.peer": "\(attempt.trunk.remote.hostAndPort)"])
        callee?.onEvent = { _ in }
        callee?.takesOver = { _, _ in true }
        callee?.end(.recoveryOnTimerExpiry)
        moveOn(from: attempt, status: 408, response: nil)
    }

    private func moveOn(from attempt: Attempt, status: Int, response: Response?) {
        stopTimer()
        context.services.counters.count(.peerAttemptsFailed)
        attempt.peer.failed(at: attempt.trunk.remote, retryAfter: status == 503 ? response?.headers.retryAfter : nil)
        if failure == nil || response != nil || failure?.wasSent == false {
            failure = (B2BUA.Refusal(callee: status), response != nil)
        }
        tryNext(at: (attempt.peer, attempt.seat))
    }

    private func stopTimer() {
        timer?.cancel()
        timer = nil
    }
}
