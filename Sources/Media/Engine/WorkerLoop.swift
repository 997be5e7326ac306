import CMediaIO

/// The inside of a worker: lives on its thread's stack, and nothing but the mailbox reaches it. One turn reads the clock
/// once, moves packets, fires the timers that are due, and then obeys commands.
struct WorkerLoop: ~Copyable {
    /// Between frames that we make.
    static let frameTime: UInt64 = 20_000_000
    /// Paced frames are due at multiples of this.
    static let gridTime: UInt64 = 5_000_000
    /// A live source that was quiet for this long is filled in for; with the lateness of a timer well below 200 ms.
    static let fillAfter: UInt64 = 160_000_000
    /// Batches read from one socket before the next one gets its turn; the kernel keeps the rest.
    static let budget = 4
    /// Late frames that are made good at once; what is later is left out.
    static let catchUp = 5

    let mailbox: Mailbox
    let pool: PortPool
    let published: PublishedStatistics
    let noMediaAfter: UInt64
    let epoll: Int32
    let batch: OpaquePointer

    /// Legs by index; each is allocated when it opens and stays where it is.
    var legs: UnsafeMutablePointer<UnsafeMutablePointer<Leg>?>
    var legCapacity: Int
    var freeIndices: [Int] = []
    var sessions: [SessionKey: SessionRecord] = [:]
    var legsOfSession: [SessionKey: (a: Int, b: Int)] = [:]
    var wheel: TimerWheel
    var now: MediaInstant
    /// Wall clock minus monotonic clock at the start: report timestamps do not follow later corrections of the former.
    let wallOffset: UInt64
    var nextHousekeeping: MediaInstant
    /// Sums over legs that have closed.
    var closedLegs = EngineStatistics()
    var isStopping = false

    /// Packets on their way to the socket of `outgoingLeg`.
    let outgoing: UnsafeMutablePointer<cmio_packet>
    var outgoingCount = 0
    var outgoingLeg: UnsafeMutablePointer<Leg>?
    /// Memory for a packet that we make.
    let scratch: UnsafeMutableRawBufferPointer
    let silence: [UInt8]

    init(worker: MediaWorker) {
        mailbox = worker.mailbox
        pool = worker.pool
        published = worker.published
        noMediaAfter = worker.noMediaAfter
        epoll = worker.epoll
        batch = worker.batch
        legCapacity = 0
        legs = .allocate(capacity: 0)
        now = MediaInstant.monotonic()
        wallOffset = cmio_clock(Int32(CMIO_REALTIME)) &- now.nanoseconds
        wheel = TimerWheel(now: now)
        nextHousekeeping = now
        outgoing = .allocate(capacity: Int(CMIO_BATCH))
        outgoing.initialize(repeating: cmio_packet(), count: Int(CMIO_BATCH))
        scratch = .allocate(byteCount: Int(CMIO_SLOT), alignment: 64)
        scratch.initializeMemory(as: UInt8.self, repeating: 0)
        silence = OpusFrame.silence20ms
    }

    deinit {
        for index in 0..<legCapacity {
            guard let leg = legs[index] else { continue }
            leg.deinitialize(count: 1)
            leg.deallocate()
        }
        legs.deallocate()
        outgoing.deallocate()
        scratch.deallocate()
    }

    static let mailboxToken = UInt64.max
    /// Set in the token of a leg's RTCP socket.
    static let rtcpToken: UInt64 = 1 << 32

    /// Runs until told to stop.
    mutating func run() {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 256) { tokens in
            while !isStopping {
                let limit = Int((nextHousekeeping.since(now) + 999_999) / 1_000_000)
                let wait = wheel.wait(now: now, limit: min(limit, 1_000))
                let count = cmio_epoll_wait(epoll, tokens.baseAddress, 256, Int32(truncatingIfNeeded: wait))
                now = MediaInstant.monotonic()
                var mail = false
                for position in 0..<max(0, Int(count)) {
                    let token = tokens[position]
                    if token == Self.mailboxToken {
                        mailbox.clearSignal()
                        mail = true
                    } else if let leg = legs[Int(truncatingIfNeeded: token & 0xffff_ffff)] {
                        receive(leg, isRTCP: token & Self.rtcpToken != 0)
                    }
                }
                while let index = wheel.pop(now: now) {
                    if let leg = legs[index] { pace(leg) }
                }
                if mail || mailbox.hasMail { obey() }
                if nextHousekeeping <= now { keepHouse() }
            }
        }
        closeEverything()
    }

    func emit(_ event: MediaEvent, for session: SessionKey) {
        sessions[session]?.events(event)
    }

    // MARK: housekeeping

    /// What is due by the clock rather than by packets: reports, lost ends of key presses, silence of the peer.
    private mutating func keepHouse() {
        nextHousekeeping = now + min(250_000_000, max(10_000_000, noMediaAfter / 4))
        for index in 0..<legCapacity {
            guard let leg = legs[index] else { continue }
            if let press = leg.pointee.events.flush(now: now) {
                emit(.digit(leg.pointee.id, press.key, duration: press.duration), for: leg.pointee.session)
            }
            guard leg.pointee.isSending else { continue }
            watch(leg)
            if leg.pointee.report.next <= now { sendReport(leg, isLast: false) }
        }
        published.put(totals())
    }

    private func watch(_ leg: UnsafeMutablePointer<Leg>) {
        guard !leg.pointee.toldNoMedia else { return }
        let reference = max(leg.pointee.lastReceived ?? leg.pointee.startedAt, leg.pointee.startedAt)
        let quiet = now.since(reference)
        guard quiet >= noMediaAfter else { return }
        leg.pointee.toldNoMedia = true
        emit(.noMedia(leg.pointee.id, since: Duration(wholeNanoseconds: quiet)), for: leg.pointee.session)
    }

    func totals() -> EngineStatistics {
        var sum = closedLegs
        sum.sessions = sessions.count
        sum.workerCPU = Duration(wholeNanoseconds: cmio_clock(Int32(CMIO_THREAD_CPU)))
        for index in 0..<legCapacity {
            guard let leg = legs[index] else { continue }
            sum.legs += 1
            sum.add(leg.pointee.statistics)
        }
        return sum
    }
}
