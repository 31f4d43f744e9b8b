import Foundation

/// A full check of one checkpoint directory.
///
/// Nothing is parsed before its digest has been found right: first the seal of the manifest, then size and
/// digest of every file, then HDF5, then the digest of every value.
package struct Examination {
    /// Manifests are far smaller; a larger file is not one.
    private static let manifestLimit = 1 << 28

    package let directory: String
    package private(set) var problems: [String] = []
    package private(set) var manifest: CheckpointManifest?
    /// The checkpoint, if it is whole.
    package private(set) var checkpoint: Checkpoint?
    private var intactFiles = 0
    private var intactValues = 0

    package init(directory: String) {
        self.directory = directory
        guard let manifest = readManifest() else { return }
        self.manifest = manifest
        let contents = checkFiles(of: manifest)
        guard let image = contents[CheckpointManifest.stateFileName],
            let text = contents[CheckpointManifest.configurationFileName],
            let state = readState(image, manifest)
        else { return }
        guard let configuration = String(validating: text, as: UTF8.self) else {
            problems.append("\(CheckpointManifest.configurationFileName) is not UTF-8")
            return
        }
        if problems.isEmpty {
            checkpoint = Checkpoint(
                directory: directory, manifest: manifest, state: state, configuration: configuration)
        }
    }

    /// The manifest of `directory`; throws when there is none or it cannot be trusted.
    package static func manifest(of directory: String) throws -> CheckpointManifest {
        let path = "\(directory)/\(CheckpointManifest.fileName)"
        return try CheckpointManifest.unsealed(DurableFile.contents(of: path, limit: manifestLimit))
    }

    package var report: VerificationReport {
        VerificationReport(
            directory: directory, step: manifest?.step, valid: checkpoint != nil, problems: problems,
            intactFiles: intactFiles, intactValues: intactValues)
    }

    package var refused: RefusedCheckpoint { RefusedCheckpoint(directory: directory, problems: problems) }

    private mutating func readManifest() -> CheckpointManifest? {
        guard DurableFile.exists("\(directory)/\(CheckpointManifest.fileName)") else {
            problems.append("\(CheckpointManifest.fileName) is missing")
            return nil
        }
        do {
            let manifest = try Examination.manifest(of: directory)
            let name = directory.split(separator: "/").last.map(String.init) ?? ""
            if let step = CheckpointName.step(of: name), step != manifest.step {
                problems.append("\(CheckpointManifest.fileName) is that of step \(manifest.step)")
            }
            return manifest
        } catch {
            problems.append("\(error)")
            return nil
        }
    }

    /// Checks every file; returns the contents of those that are parsed later.
    private mutating func checkFiles(of manifest: CheckpointManifest) -> [String: [UInt8]] {
        let parsed = [CheckpointManifest.stateFileName, CheckpointManifest.configurationFileName]
        var contents: [String: [UInt8]] = [:]
        for file in manifest.files {
            do {
                let kept = try check(file, keeping: parsed.contains(file.name))
                if parsed.contains(file.name) { contents[file.name] = kept }
                intactFiles += 1
            } catch {
                problems.append("\(error)")
            }
        }
        return contents
    }

    private func check(_ file: CheckpointManifest.File, keeping: Bool) throws -> [UInt8] {
        let path = "\(directory)/\(file.name)"
        guard let size = DurableFile.size(path) else { throw ManifestError("\(file.name) is missing") }
        guard size == file.bytes else {
            throw ManifestError("\(file.name) has \(size) bytes instead of \(file.bytes)")
        }
        var digest = SHA256Digest()
        var contents: [UInt8] = []
        try DurableFile.stream(path) {
            digest.update($0)
            if keeping { contents.append(contentsOf: $0) }
        }
        guard digest.hexadecimal() == file.sha256 else {
            throw ManifestError("\(file.name) does not match its digest")
        }
        return contents
    }

    private mutating func readState(_ image: [UInt8], _ manifest: CheckpointManifest) -> StateTree? {
        do {
            let state = try HDF5Image.decode(image)
            let found = Dictionary(
                uniqueKeysWithValues: CheckpointManifest.values(of: state).map { ($0.path, $0) })
            let wrong = manifest.state.filter { found[$0.path] != $0 }.map(\.path)
            let unlisted = Set(found.keys).subtracting(manifest.state.map(\.path)).sorted()
            intactValues = manifest.state.count - wrong.count
            for path in wrong { problems.append("value '\(path)' does not match its digest") }
            for path in unlisted { problems.append("value '\(path)' is not in the manifest") }
            return wrong.isEmpty && unlisted.isEmpty ? state : nil
        } catch {
            problems.append("\(CheckpointManifest.stateFileName): \(error)")
            return nil
        }
    }
}
