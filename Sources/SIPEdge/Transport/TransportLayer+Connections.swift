import Logging
import NIOCore
import SIPCore

/// Connections from their first octet to their end, whoever opened them.
extension TransportLayer {
    func add(_ channel: any Channel, flow: Flow, side: Side, target: Target?, handshakeDone: Bool) {
        let handler = SIPStreamHandler(
            flow: flow, limits: configuration.limits, buffered: buffered, unsent: unsent, handshakeDone: handshakeDone,
            now: loop.now
        ) { [weak self] handler, event in self?.handle(event, of: handler) }
        connections[flow.connection] = Connection(
            handler: handler, side: side, target: target, inHandshake: target == nil, isCounted: target == nil)
        if handshakeDone {
            handshakeEnded(flow)
        } else if target == nil {
            handshakes.append(flow.connection)
            if handshakes.count > 2 * connections.count + 1_024 {
                handshakes = handshakes.filter { connections[$0]?.inHandshake == true }[...]
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            handler.end(.closed)
        }
    }

    /// An accepted connection no longer counts among its source's unfinished handshakes.
    func handshakeEnded(_ flow: Flow) {
        guard connections[flow.connection]?.inHandshake == true else { return }
        connections[flow.connection]?.inHandshake = false
        gate.handshakeEnded(flow.remote)
    }

    func handle(_ event: SIPStreamHandler.Event, of handler: SIPStreamHandler) {
        let flow = handler.flow
        switch event {
        case .handshakeCompleted:
            handshakeEnded(flow)
            if let target = connections[flow.connection]?.target { opened(target, .success(flow)) }
        case .message(let message):
            guard let side = connections[flow.connection]?.side else { return }
            received(message, flow: flow, side: side)
        case .malformed(let problem):
            counters.count(.messagesMalformed)
            onMalformed(problem, flow)
        case .ended(let reason):
            uncount(flow.connection)
            guard let connection = connections.removeValue(forKey: flow.connection) else { return }
            count(reason)
            if let target = connection.target {
                if outbound[target] == flow.connection { outbound[target] = nil }
                // Those who wait for the target wait for another connection when this one was up already.
                if !handler.handshakeDone { opened(target, .failure(ConnectionEnded(reason: reason))) }
            }
            logger.debug(
                "connection ended",
                metadata: ["sip.peer": "\(flow.remoteHost)", "reason": "\(reason)", "transport": "\(flow.transport)"])
            onClosed(flow)
        }
    }

    func count(_ reason: SIPStreamHandler.Ending) {
        switch reason {
        case .framingLost: counters.count(.framingLost)
        case .handshakeFailed: counters.count(.handshakesFailed)
        case .handshakeTooSlow: counters.count(.handshakesTimedOut)
        case .messageTooSlow, .writerFull: counters.count(.connectionsTooSlow)
        case .idle: counters.count(.connectionsIdle)
        case .buffersFull: counters.count(.connectionsBuffersFull)
        case .evicted: counters.count(.handshakesEvicted)
        case .closed, .shutdown: break
        }
    }
}
