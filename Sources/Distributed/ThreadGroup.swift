/// The threads of one `ThreadCommunicator.run`: their lock, and which of them has ended or failed.
final class ThreadWorld: @unchecked Sendable {
    let size: Int
    let condition = Condition()
    // All that follows is guarded by `condition`.
    fileprivate(set) var firstError: (any Error)?
    fileprivate var failure: CommunicationError?
    fileprivate var ended: Set<Int> = []

    init(size: Int) { self.size = size }

    func end(_ rank: Int, error: (any Error)?) {
        condition.withLock {
            ended.insert(rank)
            if let error, firstError == nil {
                firstError = error
                failure = failure ?? .peerFailed(rank: rank)
            }
            condition.wakeAll()
        }
    }
}

/// Where the ranks of one communicator meet for a collective call: the last to arrive does its work.
final class ThreadGroup: @unchecked Sendable {
    /// What one rank brings; its pointers are valid while that rank waits.
    struct Arrival {
        let call: Collective
        let send: UnsafeRawBufferPointer
        let receive: UnsafeMutableRawBufferPointer
        let seat: Seat?

        init(
            _ call: Collective, send: UnsafeRawBufferPointer = .init(start: nil, count: 0),
            receive: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0), seat: Seat? = nil
        ) {
            self.call = call
            self.send = send
            self.receive = receive
            self.seat = seat
        }
    }

    /// A rank's wish for a split, which the last to arrive replaces by its new group and rank.
    final class Seat {
        let color: Int
        let key: Int
        fileprivate(set) var group: ThreadGroup
        fileprivate(set) var rank: Int

        init(color: Int, key: Int, group: ThreadGroup, rank: Int) {
            self.color = color
            self.key = key
            self.group = group
            self.rank = rank
        }
    }

    let world: ThreadWorld
    /// Rank in `world` of each rank of this group.
    let members: [Int]
    // Guarded by `world.condition`.
    private var arrivals: [Arrival?]
    private var meetings = 0

    init(members: [Int], in world: ThreadWorld) {
        self.world = world
        self.members = members
        arrivals = Array(repeating: nil, count: members.count)
    }

    /// Waits for all ranks of the group; `work` runs once, on what they brought, while all of them wait.
    func meet(_ rank: Int, _ arrival: Arrival, _ work: ([Arrival]) -> Void) throws {
        try world.condition.withLock {
            // After a failure nobody works any more, so pointers of ranks that gave up are not read.
            if let failure = world.failure { throw failure }
            arrivals[rank] = arrival
            let present = arrivals.compactMap { $0 }
            guard present.count == members.count else { return try wait(for: arrival.call) }
            guard present.allSatisfy({ $0.call == arrival.call }) else {
                throw fail(.mismatch(calls: present.map(\.call.description)))
            }
            work(present)
            arrivals = Array(repeating: nil, count: members.count)
            meetings += 1
            world.condition.wakeAll()
        }
    }

    /// Gives every seat its new group, by colour, and its rank there, by key, then by rank.
    func seat(_ seats: [Seat]) {
        for peers in Dictionary(grouping: seats, by: \.color).values {
            let ordered = peers.sorted { ($0.key, $0.rank) < ($1.key, $1.rank) }
            let group = ThreadGroup(members: ordered.map { members[$0.rank] }, in: world)
            for (rank, seat) in ordered.enumerated() {
                seat.group = group
                seat.rank = rank
            }
        }
    }

    private func wait(for call: Collective) throws {
        let meeting = meetings
        while meetings == meeting {
            if let failure = world.failure { throw failure }
            let absent = members.indices.first { arrivals[$0] == nil && world.ended.contains(members[$0]) }
            if let absent { throw fail(.peerLeft(rank: members[absent], call: call.description)) }
            world.condition.wait()
        }
    }

    private func fail(_ error: CommunicationError) -> CommunicationError {
        world.failure = error
        world.condition.wakeAll()
        return error
    }
}
