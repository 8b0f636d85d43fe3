// The part of the Windows installer that is ours, in NSIS's language: what the uninstaller asks about
// data, and whether the daemon starts with the system. Texts come from the catalogues.

import { writeFile } from 'node:fs/promises';
import { createTranslator, type Locale, type MessageKey } from '../../../proto/translate.ts';

/** NSIS's names of the languages (installerLanguages in configuration.ts). */
const languages = [
  ['SIMPCHINESE', 'zh-CN'],
  ['ENGLISH', 'en'],
] as const satisfies readonly (readonly [string, Locale])[];

const texts = {
  syncerServiceTitle: 'package.windows.service-title',
  syncerServiceText: 'package.windows.service-text',
  syncerServiceBox: 'package.windows.service-box',
  syncerRemoveData: 'package.windows.remove-data',
} as const satisfies Readonly<Record<string, MessageKey>>;

/** Name of the task that starts the daemon with the system; the uninstaller removes it by this name. */
const task = 'ServiceCenter Syncer';

/** Writes the include file that electron-builder's templates call by the names of its macros. */
export async function writeInstallerPart(file: string): Promise<void> {
  // NSIS reads UTF-8 only with its mark.
  await writeFile(file, `\uFEFF${[...languageLines(), script].join('\n')}`);
}

function languageLines(): readonly string[] {
  const lines = languages.flatMap(([name, locale]) => {
    const say = createTranslator(locale);
    return Object.entries(texts).map(
      ([label, key]) => `  LangString ${label} \${LANG_${name}} "${quoted(say(key))}"`,
    );
  });
  // After the languages are loaded.
  return ['!macro customHeader', ...lines, '!macroend'];
}

/** NSIS's own escapes: `$$` is a dollar, `$\"` a quotation mark. */
function quoted(text: string): string {
  return text.replaceAll('$', () => '$$').replaceAll('"', () => '$\\"');
}

const script = `
; A page before the files are written: an installation for the whole machine may start the daemon with
; the system, before anyone logs in.
!ifndef BUILD_UNINSTALLER
  !include nsDialogs.nsh
  Var syncerServiceBox
  Var syncerServiceWanted

  !macro customPageAfterChangeDir
    Page custom syncerServicePage syncerServiceLeave
    Function syncerServicePage
      \${If} $installMode != "all"
        Abort
      \${EndIf}
      !insertmacro MUI_HEADER_TEXT "$(syncerServiceTitle)" ""
      nsDialogs::Create 1018
      Pop $0
      \${NSD_CreateLabel} 0 0 100% 36u "$(syncerServiceText)"
      Pop $0
      \${NSD_CreateCheckbox} 0 44u 100% 12u "$(syncerServiceBox)"
      Pop $syncerServiceBox
      \${NSD_SetState} $syncerServiceBox $syncerServiceWanted
      nsDialogs::Show
    FunctionEnd
    Function syncerServiceLeave
      \${NSD_GetState} $syncerServiceBox $syncerServiceWanted
    FunctionEnd
  !macroend

  ; A task and no service: Node does not speak the protocol of Windows' service manager. It runs with
  ; few rights, and keeps its state where only it, the system and administrators may read.
  !macro customInstall
    \${If} $installMode == "all"
    \${AndIf} $syncerServiceWanted == 1
      ReadEnvStr $1 PROGRAMDATA
      CreateDirectory "$1\\syncer"
      nsExec::ExecToLog 'icacls "$1\\syncer" /inheritance:r /grant *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F *S-1-5-19:(OI)(CI)M'
      Pop $0
      nsExec::ExecToLog 'schtasks /Create /F /TN "${task}" /SC ONSTART /RU "NT AUTHORITY\\LOCAL SERVICE" /TR "\\"$INSTDIR\\resources\\bin\\syncer.cmd\\" daemon --data-dir \\"$1\\syncer\\""'
      Pop $0
      nsExec::ExecToLog 'schtasks /Run /TN "${task}"'
      Pop $0
    \${EndIf}
  !macroend
!endif

; Before the files go: nothing of ours may run.
!macro customUnInstall
  nsExec::ExecToLog 'schtasks /End /TN "${task}"'
  Pop $0
  \${IfNot} \${isUpdated}
    nsExec::ExecToLog 'schtasks /Delete /F /TN "${task}"'
    Pop $0
  \${EndIf}
!macroend

; A choice in the uninstaller, off at first: settings and state of this user, and of the task.
!macro customUnInstallSection
  Section /o "un.$(syncerRemoveData)"
    SetShellVarContext current
    RMDir /r "$APPDATA\\ServiceCenter Syncer"
    RMDir /r "$LOCALAPPDATA\\syncer"
    ReadEnvStr $1 PROGRAMDATA
    RMDir /r "$1\\syncer"
  SectionEnd
!macroend
`;
