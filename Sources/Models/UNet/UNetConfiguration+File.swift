import WeightFiles

extension UNetConfiguration {
    /// Reads `config.json` of a diffusers directory.
    ///
    /// - Throws: `ModelFilesError` that names the key that is invalid, or that asks for what Saddle has not.
    public init(_ component: ComponentDirectory) throws {
        try self.init(component.configuration(UNetFile.self), path: "\(component.path)/config.json")
    }

    /// - Parameter path: of the file, for errors.
    init(_ file: UNetFile, path: String) throws {
        func invalid(_ key: UNetFile.Key, _ reason: String) -> ModelFilesError {
            .invalid(path: path, reason: "\(key.rawValue): \(reason)")
        }
        if let refused = file.refused {
            throw ModelFilesError.unsupported(
                path: path, what: "\(refused.key) is \(refused.value)",
                advice: "Saddle runs the UNets of Stable Diffusion 1 and 2, which have \(refused.expected).")
        }
        let count = file.channels.count
        guard count > 0, file.channels.allSatisfy({ $0 > 0 }) else {
            throw invalid(.channels, "expected positive widths, got \(file.channels)")
        }
        guard file.downBlocks.count == count, file.upBlocks.count == count else {
            throw invalid(
                .downBlocks,
                "\(file.downBlocks.count) blocks down and \(file.upBlocks.count) up for \(count) widths")
        }
        func each<Value>(_ key: UNetFile.Key, _ values: OneOrMany<Value>) throws -> [Value] {
            guard let all = values.values(count) else {
                throw invalid(key, "expected one value or \(count), got \(values)")
            }
            return all
        }
        let layers = try each(.layers, file.layers)
        let transformerLayers = try each(.transformerLayers, file.transformerLayers)
        let heads = try each(.heads, file.heads)
        let contexts = try each(.context, file.context)
        let crossOnly = try each(.crossAttentionOnly, file.crossAttentionOnly)
        self.init(
            levels: file.channels.indices.map { index in
                var level = Level(
                    channels: file.channels[index], layers: layers[index],
                    hasAttentionDown: file.downBlocks[index] == .crossAttention,
                    hasAttentionUp: file.upBlocks[count - 1 - index] == .crossAttention,
                    context: contexts[index])
                level.transformerLayers = transformerLayers[index]
                level.heads = heads[index]
                level.hasCrossAttentionOnly = crossOnly[index]
                return level
            })
        (inChannels, outChannels) = (file.inChannels, file.outChannels)
        hasMidBlock = file.hasMidBlock
        (groups, epsilon) = (file.groups, file.epsilon)
        usesLinearProjection = file.usesLinearProjection
        centersInput = file.centersInput
        (putsCosinesFirst, frequencyShift) = (file.putsCosinesFirst, file.frequencyShift)
        timeWidth = file.timeWidth ?? timeWidth
        (inputKernel, outputKernel) = (file.inputKernel, file.outputKernel)
        if let (key, reason) = misfit { throw invalid(key, reason) }
    }

    /// The first key whose value does not go with the others.
    private var misfit: (UNetFile.Key, String)? {
        let sizes: [(UNetFile.Key, [Int])] = [
            (.inChannels, [inChannels]), (.outChannels, [outChannels]), (.groups, [groups]),
            (.timeWidth, [timeWidth]), (.layers, levels.map(\.layers)), (.heads, levels.map(\.heads)),
            (.context, levels.map(\.context)), (.transformerLayers, levels.map(\.transformerLayers)),
        ]
        for (key, values) in sizes where !values.allSatisfy({ $0 > 0 }) {
            return (key, "expected positive numbers, got \(values)")
        }
        for (key, kernel) in [(UNetFile.Key.inputKernel, inputKernel), (.outputKernel, outputKernel)]
        where kernel < 1 || kernel.isMultiple(of: 2) {
            return (key, "expected an odd kernel, got \(kernel)")
        }
        for level in levels where !level.channels.isMultiple(of: groups) {
            return (.groups, "\(level.channels) channels do not fall into \(groups) groups")
        }
        for level in levels where !level.channels.isMultiple(of: level.heads) {
            return (.heads, "\(level.channels) channels do not fall into \(level.heads) heads")
        }
        guard levels[0].channels.isMultiple(of: 2), levels[0].channels / 2 > Int(frequencyShift.rounded(.up))
        else { return (.channels, "\(levels[0].channels) is too narrow or odd for a time embedding") }
        return nil
    }
}
