/// A run was asked to stop, on all ranks alike; its state is saved.
struct Interruption: Error {}

extension RunSession {
    /// Stops the run here, on all ranks, if any of them was asked to.
    ///
    /// - Parameter save: writes the checkpoint that the run will go on from.
    /// - Throws: `Interruption` once that is done.
    func stopIfAsked(_ save: () throws -> Void) throws {
        guard try pendingInterruption() else { return }
        try save()
        announceInterruption()
        throw Interruption()
    }
}
