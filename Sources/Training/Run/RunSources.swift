import Checkpoints
import Foundation

/// The texts and files that a run was begun with, by what is in them: paths may change when it goes on, contents may
/// not.
struct RunSources: Sendable {
    private struct Source {
        /// Of the configuration, as in `adapters[0].file`.
        let key: String
        let digest: String
    }

    /// What a diffusers directory is read for.
    static let pipelineComponents = ["scheduler", "text_encoder", "tokenizer", "unet", "vae"]

    private var sources: [Source] = []

    mutating func add(_ texts: [String], for key: String) {
        sources.append(
            Source(key: key, digest: SHA256Digest.hexadecimal(of: Array(texts.joined(separator: "\n").utf8))))
    }

    /// Adds a file, or a directory's.
    ///
    /// - Parameter components: of the directory, if others do not count.
    mutating func add(contentsOf path: String, components: [String]? = nil, for key: String) throws {
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        var digest = SHA256Digest()
        for name in isDirectory.boolValue ? try Self.files(in: path, components) : [""] {
            try Self.update(&digest, name, name.isEmpty ? path : "\(path)/\(name)")
        }
        sources.append(Source(key: key, digest: digest.hexadecimal()))
    }

    func save(to tree: inout StateTree) {
        for source in sources { tree["sources/\(source.key)"] = .text(source.digest) }
    }

    /// - Throws: `RunSourceChanged` for the first that is another than in the checkpoint.
    func check(against tree: StateTree) throws {
        for source in sources {
            guard case .text(let digest) = tree["sources/\(source.key)"], digest != source.digest else {
                continue
            }
            throw RunSourceChanged(key: source.key)
        }
    }

    private static func files(in directory: String, _ components: [String]?) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).filter { name in
            let parts = name.split(separator: "/")
            guard let first = parts.first, !parts.contains(where: { $0.hasPrefix(".") }) else { return false }
            var isDirectory: ObjCBool = false
            return components?.contains(String(first)) ?? true
                && FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }

    private static let blockSize = 1 << 16
    private static let mostBlocks = 64

    /// Adds a file's name, its size, and of what is in it so many blocks, evenly spaced: training changes all of them.
    private static func update(_ digest: inout SHA256Digest, _ name: String, _ path: String) throws {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        let size = try file.seekToEnd()
        Array("\(name) \(size)\n".utf8).withUnsafeBytes { digest.update($0) }
        let count = UInt64(blockSize * mostBlocks)
        for block in 0..<UInt64(mostBlocks) {
            let offset =
                size <= count
                ? block * UInt64(blockSize) : (size - UInt64(blockSize)) / UInt64(mostBlocks - 1) * block
            guard offset < size else { break }
            try file.seek(toOffset: offset)
            try file.read(upToCount: blockSize)?.withUnsafeBytes { digest.update($0) }
        }
    }
}

/// Something that a run was begun with has been replaced.
struct RunSourceChanged: ExitCoded, CustomStringConvertible {
    let key: String

    var exitCode: Int32 { ExitStatus.configuration }

    var description: String {
        "cannot resume: what \(key) names has other contents than when the checkpoint was written; put them back, or "
            + "start in another --output"
    }
}
