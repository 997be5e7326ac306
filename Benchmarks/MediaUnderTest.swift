import Media

/// Something that relays calls, all of them set up when it exists.
protocol MediaUnderTest {
    var name: String { get }
    /// One element for each call.
    var calls: [CallUnderTest] { get }
    /// CPU time of what relays, since it started.
    func usage() throws -> CPUTime
    func stop()
}

/// Where a call's two ends send to, and what they must get.
struct CallUnderTest {
    /// The caller's end, SRTP if ``peer`` is there.
    let a: MediaAddress
    /// The other end, RTP.
    let b: MediaAddress
    let peer: SRTPPeer?
    let payloadTypeA: UInt8
    let payloadTypeB: UInt8
}
