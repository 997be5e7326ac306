import SIPCore

/// Decides about a new INVITE from its source alone, before anything is allocated for it.
///
/// A value without clock or socket. Requests inside dialogs, CANCEL and ACK are never asked about: a call that goes on
/// costs less than one that has to be repaired.
struct Admission: Sendable {
    enum Refusal: Hashable, Sendable {
        /// This source sends more a second than one may.
        case sourceRate
        /// More a second than all together may.
        case rate
        /// The machine cannot serve more now.
        case overload

        /// For Retry-After, in seconds: the rates are per second, an overload takes longer to pass.
        var retryAfter: Int {
            switch self {
            case .sourceRate, .rate: 2
            case .overload: 10
            }
        }
    }

    /// Sources that are told apart; those beyond share one bucket.
    static let maximumSources = 4_096
    /// So few a second are served even on a machine that something else keeps busy.
    private static let unconditional = 10.0

    private let perSource: Double
    private var sources: [HostAddress: TokenBucket] = [:]
    private var others: TokenBucket
    private var sweptAt: Instant
    /// A tenth of the rate is each side's own, the rest is for whoever comes first.
    private var meta: TokenBucket
    private var peer: TokenBucket
    private var common: TokenBucket
    private var always: TokenBucket
    private var gauge: LoadGauge
    private let isGauged: Bool

    /// - Parameter now: an instant of the clock that all later ones come from.
    init(_ limits: EdgeLimits, now: Instant) {
        let rate = Double(limits.callsPerSecond)
        perSource = Double(limits.callsPerSecondPerSource)
        others = TokenBucket(rate: perSource, now: now)
        sweptAt = now
        let own = Double(SharedCapacity.reserve(of: limits.callsPerSecond))
        meta = TokenBucket(rate: own, now: now)
        peer = TokenBucket(rate: own, now: now)
        common = TokenBucket(rate: rate - 2 * own, now: now)
        always = TokenBucket(rate: Self.unconditional, now: now)
        gauge = LoadGauge(threshold: limits.maximumLag)
        isGauged = limits.maximumLag > .zero
    }

    /// Nil when the INVITE may go on.
    mutating func refusal(of source: HostAddress?, _ side: TransportLayer.Side, now: Instant) -> Refusal? {
        // Every INVITE costs its source, so that one who does not heed a 503 hurts himself alone.
        guard takeFromSource(source, now: now) else { return .sourceRate }
        guard always.take(now: now) || gauge.admit() else { return .overload }
        guard takeFromSide(side, now: now) || common.take(now: now) else { return .rate }
        return nil
    }

    /// A sample of the loop, see ``LoadGauge/sample(busy:lag:)``.
    mutating func sample(busy: Double, lag: Duration) {
        if isGauged { gauge.sample(busy: busy, lag: lag) }
    }

    /// Part of the new calls that the machine can serve, 0 to 1.
    var share: Double { gauge.share }

    private mutating func takeFromSide(_ side: TransportLayer.Side, now: Instant) -> Bool {
        switch side {
        case .meta: meta.take(now: now)
        case .peer: peer.take(now: now)
        }
    }

    private mutating func takeFromSource(_ source: HostAddress?, now: Instant) -> Bool {
        guard let source = source?.source else { return others.take(now: now) }
        if sources[source] != nil { return sources[source]?.take(now: now) ?? false }
        if sources.count >= Self.maximumSources { sweep(now: now) }
        guard sources.count < Self.maximumSources else { return others.take(now: now) }
        var bucket = TokenBucket(rate: perSource, now: now)
        let admitted = bucket.take(now: now)
        sources[source] = bucket
        return admitted
    }

    /// Forgets sources that have been quiet; at most once a second, as it looks at all.
    private mutating func sweep(now: Instant) {
        guard sweptAt.duration(to: now) >= .seconds(1) else { return }
        sweptAt = now
        var kept: [HostAddress: TokenBucket] = [:]
        for (source, bucket) in sources {
            var bucket = bucket
            if !bucket.isFull(now: now) { kept[source] = bucket }
        }
        sources = kept
    }

    var trackedSources: Int { sources.count }
}
