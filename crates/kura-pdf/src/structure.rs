//! What the pieces on the pages are, for readers who do not see them: ISO 32000-1, 14.8.

use std::num::NonZeroU16;

use krilla::tagging::{
    Identifier, ListNumbering, Node as KrillaNode, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};

#[derive(Debug, Clone)]
pub enum Kind {
    Heading(u16, String),
    Paragraph,
    List,
    Item,
    Label,
    Body,
    Table,
    Head,
    Rows,
    Row,
    ColumnHeading,
    RowHeading,
    Cell,
    Link,
}

/// A group in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(usize);

/// A piece on a page. Its place in the tree is known before it is drawn, what PDF calls it after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf(usize);

enum Child {
    Group(Group),
    Leaf(Leaf),
}

#[derive(Default)]
pub struct Structure {
    top: Vec<Group>,
    groups: Vec<(Kind, Vec<Child>)>,
    /// A link has two: its text and where to click.
    leaves: Vec<Vec<Identifier>>,
}

impl Structure {
    pub fn at_top(&mut self, kind: Kind) -> Group {
        let group = self.group(kind);
        self.top.push(group);
        group
    }

    pub fn under(&mut self, parent: Group, kind: Kind) -> Group {
        let group = self.group(kind);
        self.groups[parent.0].1.push(Child::Group(group));
        group
    }

    fn group(&mut self, kind: Kind) -> Group {
        self.groups.push((kind, Vec::new()));
        Group(self.groups.len() - 1)
    }

    pub fn leaf(&mut self, parent: Group) -> Leaf {
        self.leaves.push(Vec::new());
        let leaf = Leaf(self.leaves.len() - 1);
        self.groups[parent.0].1.push(Child::Leaf(leaf));
        leaf
    }

    pub fn drawn(&mut self, leaf: Leaf, as_: Identifier) {
        self.leaves[leaf.0].push(as_);
    }

    pub fn tree(&self, language: &str) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
        for &group in &self.top {
            tree.push(self.tags(group));
        }
        tree
    }

    fn tags(&self, group: Group) -> TagGroup {
        let (kind, children) = &self.groups[group.0];
        let mut nodes: Vec<KrillaNode> = Vec::with_capacity(children.len());
        for child in children {
            match child {
                Child::Group(group) => nodes.push(self.tags(*group).into()),
                Child::Leaf(leaf) => {
                    nodes.extend(self.leaves[leaf.0].iter().map(|&piece| piece.into()));
                }
            }
        }
        TagGroup::with_children(kind.tag(), nodes)
    }
}

impl Kind {
    fn tag(&self) -> TagKind {
        match self {
            Self::Heading(level, title) => {
                let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
                Tag::Hn(level, Some(title.clone())).into()
            }
            Self::Paragraph => Tag::P.into(),
            Self::List => Tag::L(ListNumbering::Disc).into(),
            Self::Item => Tag::LI.into(),
            Self::Label => Tag::Lbl.into(),
            Self::Body => Tag::LBody.into(),
            Self::Table => Tag::Table.into(),
            Self::Head => Tag::THead.into(),
            Self::Rows => Tag::TBody.into(),
            Self::Row => Tag::TR.into(),
            Self::ColumnHeading => Tag::TH(TableHeaderScope::Column).into(),
            Self::RowHeading => Tag::TH(TableHeaderScope::Row).into(),
            Self::Cell => Tag::TD.into(),
            Self::Link => Tag::Link.into(),
        }
    }
}
