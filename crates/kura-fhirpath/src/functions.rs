//! The functions by name, with how many arguments each takes.

macro_rules! functions {
    ($($name:literal $variant:ident $least:literal $most:literal),* $(,)?) => {
        /// A function of FHIRPath, of FHIR or of SQL on FHIR.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function {
            $($variant,)*
            /// `resolve()` where only the type of the resource is asked.
            ResolveType,
        }

        impl Function {
            /// The function of a name, and the least and most arguments.
            pub(crate) fn named(name: &str) -> Option<(Function, usize, usize)> {
                match name {
                    $($name => Some((Function::$variant, $least, $most)),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    // FHIRPath N1 2.0.0 section 5.1, existence
    "empty" Empty 0 0,
    "exists" Exists 0 1,
    "all" All 1 1,
    "allTrue" AllTrue 0 0,
    "anyTrue" AnyTrue 0 0,
    "allFalse" AllFalse 0 0,
    "anyFalse" AnyFalse 0 0,
    "subsetOf" SubsetOf 1 1,
    "supersetOf" SupersetOf 1 1,
    "count" Count 0 0,
    "distinct" Distinct 0 0,
    "isDistinct" IsDistinct 0 0,
    "not" Not 0 0,
    // 5.2 filtering and projection
    "where" Where 1 1,
    "select" Select 1 1,
    "repeat" Repeat 1 1,
    // 5.3 subsetting
    "single" Single 0 0,
    "first" First 0 0,
    "last" Last 0 0,
    "tail" Tail 0 0,
    "skip" Skip 1 1,
    "take" Take 1 1,
    "intersect" Intersect 1 1,
    "exclude" Exclude 1 1,
    // 5.4 combining
    "union" Union 1 1,
    "combine" Combine 1 1,
    // 5.5 conversion
    "iif" Iif 2 3,
    "toBoolean" ToBoolean 0 0,
    "convertsToBoolean" ConvertsToBoolean 0 0,
    "toInteger" ToInteger 0 0,
    "convertsToInteger" ConvertsToInteger 0 0,
    "toDate" ToDate 0 0,
    "convertsToDate" ConvertsToDate 0 0,
    "toDateTime" ToDateTime 0 0,
    "convertsToDateTime" ConvertsToDateTime 0 0,
    "toTime" ToTime 0 0,
    "convertsToTime" ConvertsToTime 0 0,
    "toDecimal" ToDecimal 0 0,
    "convertsToDecimal" ConvertsToDecimal 0 0,
    "toQuantity" ToQuantity 0 1,
    "convertsToQuantity" ConvertsToQuantity 0 1,
    "toString" ToString 0 0,
    "convertsToString" ConvertsToString 0 0,
    // 5.6 strings, with what later editions add
    "indexOf" IndexOf 1 1,
    "lastIndexOf" LastIndexOf 1 1,
    "substring" Substring 1 2,
    "startsWith" StartsWith 1 1,
    "endsWith" EndsWith 1 1,
    "contains" Contains 1 1,
    "upper" Upper 0 0,
    "lower" Lower 0 0,
    "replace" Replace 2 2,
    "matches" Matches 1 1,
    "matchesFull" MatchesFull 1 1,
    "replaceMatches" ReplaceMatches 2 2,
    "length" Length 0 0,
    "toChars" ToChars 0 0,
    "encode" Encode 1 1,
    "decode" Decode 1 1,
    "escape" Escape 1 1,
    "unescape" Unescape 1 1,
    "trim" Trim 0 0,
    "split" Split 1 1,
    "join" Join 0 1,
    // 5.7 mathematics
    "abs" Abs 0 0,
    "ceiling" Ceiling 0 0,
    "exp" Exp 0 0,
    "floor" Floor 0 0,
    "ln" Ln 0 0,
    "log" Log 1 1,
    "power" Power 1 1,
    "round" Round 0 1,
    "sqrt" Sqrt 0 0,
    "truncate" Truncate 0 0,
    // 5.8 tree navigation, 5.9 utility
    "children" Children 0 0,
    "descendants" Descendants 0 0,
    "trace" Trace 1 2,
    "now" Now 0 0,
    "today" Today 0 0,
    "timeOfDay" TimeOfDay 0 0,
    // 7 aggregates, 9 reflection; sort and boundaries of later editions
    "aggregate" Aggregate 1 2,
    "type" Type 0 0,
    "sort" Sort 0 16,
    "lowBoundary" LowBoundary 0 1,
    "highBoundary" HighBoundary 0 1,
    "precision" Precision 0 0,
    "comparable" Comparable 1 1,
    // FHIR R4 fhirpath.html#functions
    "extension" Extension 1 1,
    "hasValue" HasValue 0 0,
    "getValue" GetValue 0 0,
    "resolve" Resolve 0 0,
    "elementDefinition" ElementDefinition 0 0,
    "slice" Slice 2 2,
    "checkModifiers" CheckModifiers 0 16,
    "conformsTo" ConformsTo 1 1,
    "memberOf" MemberOf 1 1,
    "subsumes" Subsumes 1 1,
    "subsumedBy" SubsumedBy 1 1,
    "htmlChecks" HtmlChecks 0 0,
    // SQL on FHIR 2.0, "Required additional functions"
    "getResourceKey" GetResourceKey 0 0,
    "getReferenceKey" GetReferenceKey 0 0,
}

impl Function {
    /// Whether the first argument is a regular expression.
    pub(crate) fn takes_regex(self) -> bool {
        matches!(
            self,
            Function::Matches | Function::MatchesFull | Function::ReplaceMatches
        )
    }

    /// Whether the order of the input means something to it (FHIRPath N1 2.0.0 section 5.3).
    pub(crate) fn is_ordered(self) -> bool {
        matches!(
            self,
            Function::First | Function::Last | Function::Tail | Function::Skip | Function::Take
        )
    }
}
