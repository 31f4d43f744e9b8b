import Foundation

/// What a save did.
public struct SaveReport: Sendable, Equatable {
    public let directory: String
    /// False when a whole checkpoint of this step with the same state was there already.
    public let written: Bool
    /// Steps whose checkpoints were deleted by rotation.
    public let pruned: [Int]
    public let notices: [CheckpointNotice]
}

extension CheckpointStore {
    /// Writes a checkpoint, reads it back, and only then deletes those that `rule` no longer keeps.
    ///
    /// The files go to a hidden directory beside the others and reach the disk before that directory gets its
    /// final name, so a checkpoint is there as a whole or not at all. When `checkpoint-<step>` exists:
    /// whole with the same state, nothing is written; whole with another state, `CheckpointError.stepTaken`;
    /// damaged, it is renamed to `checkpoint-<step>.damaged` and replaced.
    ///
    /// Throws `CheckpointError`, of category `.cannotWrite` unless what was written came back damaged; older
    /// checkpoints are intact and nothing unfinished stays behind.
    public func save(
        _ content: CheckpointContent, holding lock: RunLock, keeping rule: RotationRule
    ) throws -> SaveReport {
        precondition(
            lock.runDirectory == runDirectory,
            "CheckpointStore.save: got the lock of \(lock.runDirectory), expected \(runDirectory)")
        CrashPoint.saveBegun.hit()
        let target = directory(ofStep: content.step)
        let values = CheckpointManifest.values(of: content.state)
        let occupied = DurableFile.exists(target)
        if occupied, let present = Examination(directory: target).checkpoint {
            guard present.manifest.state == values else { throw CheckpointError.stepTaken(path: target) }
            // A kill may have come between the save and its rotation.
            let rotation = try prune(saved: content.step, rule)
            return SaveReport(
                directory: target, written: false, pruned: rotation.pruned, notices: rotation.notices)
        }

        let staging = try stage(content, values, writer: lock.holder)
        var notices: [CheckpointNotice] = []
        do {
            if occupied { notices.append(try moveAside(target)) }
            try DurableFile.move(staging, to: target)
        } catch {
            discard(staging)
            throw error
        }
        CrashPoint.renamed.hit()
        try DurableFile.synchronizeDirectory(runDirectory)
        CrashPoint.runDirectorySynced.hit()

        _ = try CheckpointStore.load(target)
        CrashPoint.reread.hit()
        let rotation = try prune(saved: content.step, rule)
        return SaveReport(
            directory: target, written: true, pruned: rotation.pruned, notices: notices + rotation.notices)
    }

    /// Writes a complete checkpoint under a hidden name and returns its path.
    private func stage(
        _ content: CheckpointContent, _ values: [CheckpointManifest.Value], writer: WriterIdentity
    ) throws -> String {
        let state: [UInt8]
        do {
            state = try HDF5Image.encode(content.state)
        } catch let error as HDF5Error {
            throw CheckpointError.notStorable(reason: error.description)
        }
        var files: [StagedFile] = [
            StagedFile(CheckpointManifest.stateFileName, state, .stateWritten),
            StagedFile(
                CheckpointManifest.configurationFileName, Array(content.configuration.utf8),
                .configurationWritten),
        ]
        files += content.extraFiles.sorted { $0.key < $1.key }.map {
            StagedFile($0.key, Array($0.value), .extraFileWritten)
        }
        let manifest = CheckpointManifest(
            step: content.step, created: Date.now.formatted(.iso8601),
            saddle: content.saddleVersion, writer: writer, provenance: content.provenance,
            files: files.map(\.entry), state: values)
        let staging = "\(runDirectory)/\(CheckpointName.staging(content.step))"
        do {
            try write(files, manifest, to: staging)
        } catch {
            discard(staging)
            throw error
        }
        return staging
    }

    private func write(_ files: [StagedFile], _ manifest: CheckpointManifest, to staging: String) throws {
        try DurableFile.createDirectory(staging)
        CrashPoint.stagingCreated.hit()
        let owner = "\(staging)/\(StagingOwner.fileName)"
        let names = files.map(\.entry.name)
        try DurableFile.create(owner, StagingOwner(writer: manifest.writer, files: names).text())
        CrashPoint.ownerWritten.hit()
        for file in files {
            try DurableFile.create("\(staging)/\(file.entry.name)", file.bytes)
            file.crashPoint.hit()
        }
        try DurableFile.create("\(staging)/\(CheckpointManifest.fileName)", manifest.sealedText())
        CrashPoint.manifestWritten.hit()
        try DurableFile.remove(owner)
        CrashPoint.ownerRemoved.hit()
        try DurableFile.synchronizeDirectory(staging)
        CrashPoint.stagingSynced.hit()
    }

    /// Gives a damaged checkpoint a name that is not a checkpoint's; a person decides about it.
    private func moveAside(_ target: String) throws -> CheckpointNotice {
        var aside = "\(target).damaged"
        var number = 2
        while DurableFile.exists(aside) {
            aside = "\(target).damaged-\(number)"
            number += 1
        }
        try DurableFile.move(target, to: aside)
        CrashPoint.damagedMovedAside.hit()
        return .movedAside(from: target, to: aside)
    }

    /// Deletes the staging directory of this very save; what cannot be deleted is left to `removeLeftovers`.
    private func discard(_ staging: String) {
        for name in (try? DurableFile.names(in: staging)) ?? [] {
            try? DurableFile.remove("\(staging)/\(name)")
        }
        try? DurableFile.removeDirectory(staging)
    }
}

/// A file about to be written, with its manifest entry.
private struct StagedFile {
    let entry: CheckpointManifest.File
    let bytes: [UInt8]
    let crashPoint: CrashPoint

    init(_ name: String, _ bytes: [UInt8], _ crashPoint: CrashPoint) {
        entry = CheckpointManifest.File(
            name: name, bytes: bytes.count, sha256: SHA256Digest.hexadecimal(of: bytes))
        self.bytes = bytes
        self.crashPoint = crashPoint
    }
}
