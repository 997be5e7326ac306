package import Media
package import NIOCore

/// Brings the events of a media thread to a receiver on the signalling loop.
package final class MediaEvents: Sendable {
    private let loop: any EventLoop
    private let receiver: NIOLoopBoundBox<(MediaEvent) -> Void>

    /// Called on the loop.
    package init(loop: any EventLoop) {
        self.loop = loop
        receiver = NIOLoopBoundBox({ _ in }, eventLoop: loop)
    }

    /// Called on the loop.
    package func deliver(to receiver: @escaping (MediaEvent) -> Void) { self.receiver.value = receiver }

    /// Called on any thread.
    package func post(_ event: MediaEvent) {
        loop.execute { self.receiver.value(event) }
    }
}
