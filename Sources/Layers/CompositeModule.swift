/// A module made of named parts.
public protocol CompositeModule: Module {
    /// The parts by the names they carry in files, in a fixed order.
    var children: [(name: String, module: any Module)] { get }
}

extension CompositeModule {
    public var namedParameters: [NamedParameter] {
        children.flatMap { $0.module.namedParameters(under: $0.name) }
    }

    /// The layers, at any depth, that adapters can change.
    public var adaptableLayers: [AdaptableLinear] {
        children.flatMap { _, module -> [AdaptableLinear] in
            if let layer = module as? AdaptableLinear { return [layer] }
            return (module as? any CompositeModule)?.adaptableLayers ?? []
        }
    }

    /// Parts in a list, under `name.0`, `name.1`, ….
    public func numbered(_ name: String, _ modules: [any Module]) -> [(name: String, module: any Module)] {
        modules.enumerated().map { ("\(name).\($0)", $1) }
    }
}
