import Foundation

/// First file of an unfinished save: who writes it, and which files are to come.
struct StagingOwner: Codable {
    static let fileName = ".owner.json"

    let writer: WriterIdentity
    let files: [String]

    func text() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }
}

extension CheckpointStore {
    /// Deletes the checkpoints that `rule` lets go after `saved` was written and read back.
    func prune(saved: Int, _ rule: RotationRule) throws -> (pruned: [Int], notices: [CheckpointNotice]) {
        CrashPoint.rotationBegun.hit()
        let expendable = try rule.expendable(steps: steps(), saved: saved) {
            $0 == saved || Examination(directory: directory(ofStep: $0)).checkpoint != nil
        }
        var pruned: [Int] = []
        var notices: [CheckpointNotice] = []
        for step in expendable {
            do {
                try delete(step)
                pruned.append(step)
            } catch {
                notices.append(.kept(directory(ofStep: step), reason: "\(error)"))
            }
        }
        CrashPoint.rotationEnded.hit()
        return (pruned, notices)
    }

    /// Deletes what killed jobs left unfinished in the run directory.
    ///
    /// Whoever holds the lock knows that no other job is writing. A directory is ours if it has our kind of
    /// name and nothing in it is foreign.
    public func removeLeftovers(holding lock: RunLock) throws -> [CheckpointNotice] {
        precondition(
            lock.runDirectory == runDirectory,
            "CheckpointStore.removeLeftovers: got the lock of \(lock.runDirectory), expected \(runDirectory)")
        return try DurableFile.names(in: runDirectory).filter(CheckpointName.isUnfinished).sorted().map {
            let path = "\(runDirectory)/\($0)"
            do {
                try empty(path, of: namesOfUnfinished(path))
                return .leftoverRemoved(path)
            } catch {
                return .kept(path, reason: "\(error)")
            }
        }
    }

    /// Deletes a checkpoint with our manifest and nothing else in it: out of sight first, then file by file,
    /// so that a kill leaves no half checkpoint under a checkpoint's name.
    private func delete(_ step: Int) throws {
        let path = directory(ofStep: step)
        let names = try Examination.manifest(of: path).files.map(\.name)
        try requireNothingForeign(in: path, beyond: names)
        let trash = "\(runDirectory)/\(CheckpointName.trash(step))"
        try DurableFile.move(path, to: trash)
        try DurableFile.synchronizeDirectory(runDirectory)
        CrashPoint.trashRenamed.hit()
        try empty(trash, of: names)
        CrashPoint.trashRemoved.hit()
    }

    /// Deletes the files `names`, then manifest and owner file, then the directory.
    private func empty(_ directory: String, of names: [String]) throws {
        try requireNothingForeign(in: directory, beyond: names)
        let present = Set(try DurableFile.names(in: directory))
        for name in names + [StagingOwner.fileName, CheckpointManifest.fileName] where present.contains(name)
        {
            try DurableFile.remove("\(directory)/\(name)")
            CrashPoint.trashFileRemoved.hit()
        }
        try DurableFile.removeDirectory(directory)
    }

    private func requireNothingForeign(in directory: String, beyond names: [String]) throws {
        guard DurableFile.isDirectory(directory) else { throw ManifestError("it is not a directory") }
        let ours = Set(names + [StagingOwner.fileName, CheckpointManifest.fileName])
        let foreign = Set(try DurableFile.names(in: directory)).subtracting(ours)
        guard foreign.isEmpty else {
            throw ManifestError("it holds files that are not the checkpoint's: \(foreign.sorted())")
        }
    }

    /// The files that an unfinished save or deletion may hold, by its manifest or its owner file.
    private func namesOfUnfinished(_ path: String) -> [String] {
        let always = [CheckpointManifest.stateFileName, CheckpointManifest.configurationFileName]
        if let manifest = try? Examination.manifest(of: path) { return manifest.files.map(\.name) }
        guard let text = try? DurableFile.contents(of: "\(path)/\(StagingOwner.fileName)"),
            let owner = try? JSONDecoder().decode(StagingOwner.self, from: Data(text))
        else { return always }
        let extra = owner.files.filter { CheckpointManifest.objection(toFileName: $0) == nil }
        return Array(Set(always + extra))
    }
}
