use crate::ui::text::catalogue;

catalogue! {
    ACCOUNT: "アカウント", "Account";
    ACT_AS: "役割", "Role";
    ACT_AS_LONG: "一度に一つの役割で働きます。切り替えると、ほかの役割でできることはできなくなります。", "You act in one role at a time. What only another role may do, you may not meanwhile.";
    ACT_AS_NOW: "いまの役割", "your role now";
    CHANGE_PASSWORD: "パスワードの変更", "Change the password";
    PRESENT: "いまのパスワード", "Present password";
    NEW: "新しいパスワード（13文字以上）", "New password (13 characters or more)";
    CHANGE: "変更する", "Change";
    CHANGED_PASSWORD: "パスワードを変更しました。ほかの端末はサインアウトされました。", "The password was changed. Other browsers were signed out.";
    SECOND: "二要素認証（認証アプリ）", "Second factor (authenticator app)";
    SECOND_NONE: "まだ設定されていません。認証アプリ（Google Authenticator、Microsoft Authenticatorなど）のあるスマートフォンを用意してください。", "Not set up yet. Have a phone with an authenticator app at hand (Google Authenticator, Microsoft Authenticator or another).";
    SECOND_NEEDED: "このバンクでは、設定するまでほかのことはできません。", "In this bank you can do nothing else until it is set up.";
    SECOND_BEGIN: "設定を始める", "Set it up";
    SECOND_SCAN: "アプリでこのQRコードを読み取り、表示された6桁の数字を入れてください。", "Scan this QR code with the app, and type the six digits that it shows.";
    SECOND_TYPE: "読み取れないときは、この鍵を入力します", "If it cannot be scanned, type this key";
    SECOND_CODE: "6桁の数字", "Six digits";
    SECOND_CONFIRM: "確認して有効にする", "Confirm";
    SECOND_ON: "有効です。残りの回復コード", "In force. Recovery codes left";
    SECOND_REMOVE: "二要素認証をやめる", "Take the second factor away";
    SECOND_REMOVED: "二要素認証をやめました。ほかの端末はサインアウトされました。", "The second factor was taken away. Other browsers were signed out.";
    SECOND_ADDED: "二要素認証が有効になりました。ほかの端末はサインアウトされました。", "The second factor is in force. Other browsers were signed out.";
    RECOVERY: "回復コード", "Recovery codes";
    RECOVERY_LONG: "スマートフォンを失くしたときに、一つにつき一度だけ使えます。一度だけ表示されますので、紙に控えて保管してください。", "Each lets you in once if the phone is lost. They are shown once: write them down and keep them safe.";
    RESET_SECOND: "二要素認証を解除", "Reset the second factor";
    TWO_FACTORS: "二要素", "two factors";
    BROWSERS: "サインイン中の端末", "Signed-in browsers";
    THIS_ONE: "この端末", "this one";
    SIGN_OUT_ALL: "すべての端末でサインアウト", "Sign out everywhere";
    SINCE: "サインイン", "Signed in";
    SEEN: "最後の利用", "Last used";
    TOKENS: "プログラム用のトークン", "Tokens for programs";
    TOKENS_LONG: "プログラムは、トークンをAuthorization: Bearerとして送ります。いまの役割と目的で働き、期限で無効になります。", "A program sends its token as Authorization: Bearer. It acts in your present role and for its purpose, until the day it runs out.";
    NO_TOKENS: "トークンはありません。用途と日数を書いて作ってください。", "There is no token. Say what one is for and for how many days, and make it.";
    TOKEN_ABOUT: "用途", "What it is for";
    TOKEN_DAYS: "日数", "Days";
    TOKEN_UNTIL: "期限", "Until";
    TOKEN_RUN_OUT: "期限切れ", "has run out";
    MAKE_TOKEN: "トークンを作る", "Make a token";
    REVOKE: "無効にする", "Revoke";
    REVOKED: "トークンを無効にしました。", "The token was revoked.";
    TOKEN_ONCE: "このトークンは一度だけ表示されます。いま控えてください。", "This token is shown once. Take it down now.";
    NO_OWN: "このバンクにはアカウントがありません。", "This bank has no accounts.";

    ACCOUNTS: "アカウント管理", "Accounts";
    NO_ACCOUNTS: "アカウントはまだありません。最初のアカウントを作ると、全員がサインインするようになります。最初は管理者にしてください。", "There is no account yet. With the first one everybody has to sign in; make it an administrator.";
    ROLES: "役割", "Roles";
    DISABLED: "無効", "disabled";
    LOCKED: "一時停止（誤り続き）", "locked after wrong passwords";
    ADD: "アカウントを作る", "Make an account";
    ADDED: "アカウントを作りました。", "The account was made.";
    CHANGED: "アカウントを変更しました。そのアカウントの端末はサインアウトされました。", "The account was changed. Whoever was signed in with it was signed out.";
    SAVE: "保存", "Save";
    DISABLE: "無効にする", "Disable";
    ENABLE: "有効にする", "Enable";
    UNLOCK: "停止を解く", "Unlock";
    RESET_PASSWORD: "新しいパスワードを設定", "Set a new password";
    PRACTITIONER: "PractitionerのID（医師本人）", "Id of the Practitioner (the doctor)";
    PATIENT: "PatientのID（本人）", "Id of the Patient (their own)";
    ACTS_FOR: "代理するPatientのID（空白区切り）", "Ids of Patients they act for (spaces between)";
    ORGANIZATION: "他施設のOrganizationのID", "Id of another institution's Organization";
    NAME_RULE: "英数字と - _ . @", "letters, digits and - _ . @";
    MORE: "変更", "Change";

    RULES: "アクセスの規則", "Access rules";
    RULES_LONG: "許す規則がないことはできません。禁じる規則があれば、ほかが許してもできません。", "What no rule permits is refused. What one rule forbids stays forbidden, whatever others permit.";
    PERMITS: "許す", "permits";
    FORBIDS: "禁じる", "forbids";
    SOURCE: "根拠", "Source";
    AS_WRITTEN: "規則の本文（Cedar）", "The rule as written (Cedar)";
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_text_is_empty() {
        for (name, text) in super::ALL {
            assert!(!text.ja.is_empty() && !text.en.is_empty(), "{name}");
        }
    }
}
