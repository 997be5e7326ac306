import Logging
import NIOCore
import SIPCore

/// Transfers of one call (RFC 5589): when the PBX asks with REFER that its side be taken over by somebody else, calls him
/// at once of the configured peers, tells the PBX how that goes, and hands the new side to the call.
///
/// The target's user is all that is taken from the REFER, with the dialog it replaces and the one who refers: where the
/// INVITE goes is the configuration's to say, so no REFER makes us call anywhere else. Meta's side notices nothing but
/// another voice on the same SSRC.
final class PeerTransfers {
    /// What every call to a peer on behalf of this one needs.
    struct Setup {
        let request: PeerCallee.Request
        let media: PeerMedia
        let context: CallContext
        let peers: PeerDirectory
    }

    private var setup: Setup?
    private var attempt: PeerHunt?
    /// Goes to the dialog that asked.
    private var tell: (InDialogEvent) -> Void = { _ in }
    private var timer: Scheduled<Void>?
    /// The target has answered, and its media is connected: it is the PBX's side of the call from now on.
    var onTaken: (PeerHunt) -> Void = { _ in }
    /// The call goes on as it was.
    var onFailed: () -> Void = {}

    var isUnderWay: Bool { attempt != nil }

    /// Until then no transfer is possible; from `end` on neither.
    func allow(_ setup: Setup) { self.setup = setup }

    /// What the PBX does in mid-call, whichever side of the call it is.
    /// - Parameter tell: reaches the machine of its dialog.
    func handle(
        _ report: InDialogReport, from trunk: PeerTrunk, media: PeerMedia, tell: @escaping (InDialogEvent) -> Void
    ) {
        switch report {
        case .media(let stream): media.moved(to: stream)
        case .digit(let digit): media.pass(digit)
        case .transferAsked(let referral): asked(referral, by: trunk, tell: tell)
        }
    }

    // MARK: REFER

    /// - Parameters:
    ///   - trunk: the way to the PBX that asks.
    ///   - tell: reaches the machine of the dialog that asked.
    private func asked(_ referral: Referral, by trunk: PeerTrunk, tell: @escaping (InDialogEvent) -> Void) {
        guard let setup, attempt == nil else { return refuse(491, "another transfer is under way", tell) }
        guard let user = referral.target.userWithoutParameters, Self.isDiallable(user) else {
            return refuse(404, "Refer-To names no extension", tell)
        }
        guard let peer = setup.peers.target(of: referral, from: trunk) else {
            return refuse(403, "Refer-To is no configured peer", tell)
        }
        var request = setup.request
        request.dialled = user
        request.referral = referral
        let attempt = PeerHunt(peers: [peer], request: request, media: setup.media, context: setup.context)
        attempt.onEvent = { [weak self] in self?.handle($0) }
        self.attempt = attempt
        self.tell = tell
        setup.context.services.counters.count(.transfers)
        setup.context.logger.info(
            "transfer asked for",
            metadata: ["peer": "\(peer.peer.name)", "attended": "\(referral.replaces != nil)"])
        tell(.acceptTransfer)
        timer = setup.context.services.loop.assumeIsolated().scheduleTask(in: TimeAmount(attempt.ringTimeout)) {
            [weak self] in self?.ringTimedOut()
        }
        attempt.start()
    }

    private func refuse(_ status: Int, _ warning: String, _ tell: (InDialogEvent) -> Void) {
        guard let setup else { return tell(.refuseTransfer(status: 603, headers: [])) }
        setup.context.services.counters.count(.transfersRefused)
        setup.context.logger.info(
            "transfer refused", metadata: ["sip.status": "\(status)", "reason": "\(warning)"])
        let refusal = B2BUA.Refusal(status: status, warning: warning)
        tell(
            .refuseTransfer(
                status: status, headers: [refusal.warningField(host: setup.context.services.configuration.hostname)]))
    }

    /// What a dialplan calls an extension, and nothing that could become another part of a URI.
    private static func isDiallable(_ user: String) -> Bool {
        (1...64).contains(user.utf8.count)
            && user.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "+", ".", "-", "_", "*", "~", "!": true
                default: false
                }
            }
    }

    // MARK: The call to the target

    private func handle(_ event: B2BUA.Event) {
        guard let attempt else { return }
        switch event {
        case .calleeProgress(let status):
            if status > 100 { tell(.transferProgress(status: status)) }
        case .calleeAnswered:
            stop()
            setup?.context.logger.info("transferred", metadata: attempt.facts)
            tell(.transferProgress(status: 200))
            onTaken(attempt)
        case .calleeFailed(let refusal): failed(refusal)
        case .calleeUnusable(let refusal):
            attempt.end(.incompatibleDestination)
            failed(refusal)
        default: break
        }
    }

    private func failed(_ refusal: B2BUA.Refusal) {
        stop()
        setup?.context.services.counters.count(.transfersFailed)
        setup?.context.logger.info(
            "transfer failed", metadata: ["sip.status": "\(refusal.status)", "reason": "\(refusal.warning)"])
        tell(.transferProgress(status: refusal.status))
        onFailed()
    }

    private func ringTimedOut() {
        abandon(.noAnswer)
        failed(B2BUA.Refusal(status: 480, warning: "the transfer's target did not answer in time"))
    }

    private func abandon(_ cause: Q850Cause) {
        attempt?.onEvent = { _ in }
        attempt?.end(cause)
    }

    private func stop() {
        timer?.cancel()
        timer = nil
        attempt = nil
    }

    /// The call is over, and with it what is under way here.
    func end() {
        abandon(.normalClearing)
        stop()
        setup = nil
        tell = { _ in }
        onTaken = { _ in }
        onFailed = {}
    }
}

extension PeerDirectory {
    /// The peer that a Refer-To names: the one that asks, under its own name or address or under ours as it sees it, or
    /// another one that is configured. Nil: anywhere else.
    func target(of referral: Referral, from trunk: PeerTrunk) -> PeerEntry? {
        let host = referral.target.host
        let asking = self[trunk.peer.name]
        if let asking, asking.isAt(host) { return asking }
        if host == trunk.localAddress {
            // It means "at that number of yours"; a dialog to be replaced is not ours, though.
            return referral.replaces == nil ? asking : nil
        }
        return first { $0.isAt(host) }
    }
}

extension PeerEntry {
    fileprivate func isAt(_ host: String) -> Bool {
        peer.host.lowercased() == host || addresses.all.contains { $0.ipAddress == host }
    }
}
