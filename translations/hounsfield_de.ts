<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
<context>
    <name>ChatPanel</name>
    <message>
        <source>Conversation</source>
        <translation>Gespräch</translation>
    </message>
    <message>
        <source>Behind the scene</source>
        <translation>Hinter den Kulissen</translation>
    </message>
    <message>
        <source>Ask about the active view</source>
        <translation>Frage zur aktiven Ansicht</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>Prompt %1</source>
        <translation>Eingabe %1</translation>
    </message>
    <message>
        <source>%1 (%2) is working on the whole volume ...</source>
        <translation>%1 (%2) bearbeitet das ganze Volumen ...</translation>
    </message>
    <message>
        <source>Expert call</source>
        <translation>Aufruf des Experten</translation>
    </message>
    <message>
        <source>Expert: %1, %2 %</source>
        <translation>Experte: %1, %2 %</translation>
    </message>
    <message>
        <source>Mask by %1 %2 (%3), %4 s</source>
        <translation>Maske von %1 %2 (%3), %4 s</translation>
    </message>
    <message>
        <source>Expert reply, %1 %2</source>
        <translation>Antwort des Experten, %1 %2</translation>
    </message>
    <message>
        <source>The expert that the model asked for did not run: %1</source>
        <translation>Der Experte, den das Modell gerufen hat, ist nicht gelaufen: %1</translation>
    </message>
    <message>
        <source>Model: %1 %2, weights %3</source>
        <translation>Modell: %1 %2, Gewichte %3</translation>
    </message>
    <message>
        <source>tokens: prompt %1 (cached %2), new %3</source>
        <translation>Tokens: Eingabe %1 (davon aus dem Speicher %2), neu %3</translation>
    </message>
    <message>
        <source>Timings and versions</source>
        <translation>Zeiten und Versionen</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>Angehalten.</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly. The conversation is kept; ask again and it is started anew.</source>
        <translation>Die Rechenmaschine wurde unerwartet beendet. Das Gespräch bleibt erhalten; mit der nächsten Frage wird sie neu gestartet.</translation>
    </message>
    <message>
        <source>The engine cannot be started: %1</source>
        <translation>Die Rechenmaschine kann nicht gestartet werden: %1</translation>
    </message>
    <message>
        <source>The conversation is too long for this model. Start a new one.</source>
        <translation>Das Gespräch ist für dieses Modell zu lang. Beginnen Sie ein neues.</translation>
    </message>
    <message>
        <source>This did not work: %1</source>
        <translation>Das hat nicht geklappt: %1</translation>
    </message>
    <message>
        <source>axial</source>
        <translation>axial</translation>
    </message>
    <message>
        <source>sagittal</source>
        <translation>sagittal</translation>
    </message>
    <message>
        <source>coronal</source>
        <translation>koronal</translation>
    </message>
    <message>
        <source>%1, image %2</source>
        <translation>%1, Bild %2</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Fragen</translation>
    </message>
    <message>
        <source>%1: a demo model, for trying out only. Not for diagnosis.</source>
        <translation>%1: ein Demomodell, nur zum Ausprobieren. Nicht zur Diagnose.</translation>
    </message>
    <message>
        <source>AI answers by %1. Check them.</source>
        <translation>KI-Antworten von %1. Bitte prüfen.</translation>
    </message>
    <message>
        <source>AI answers need checking. The model is loaded with the first question.</source>
        <translation>KI-Antworten müssen geprüft werden. Das Modell wird mit der ersten Frage geladen.</translation>
    </message>
    <message>
        <source>Looking at the view ...</source>
        <translation>Die Ansicht wird betrachtet ...</translation>
    </message>
    <message>
        <source>Open a study, then ask about what you see.</source>
        <translation>Öffnen Sie eine Studie und fragen Sie dann nach dem, was Sie sehen.</translation>
    </message>
    <message>
        <source>Ask about the active view, or click one of the examples. The assistant sees the view as you do, and may call an expert for the whole volume.</source>
        <translation>Stellen Sie eine Frage zur aktiven Ansicht, oder wählen Sie ein Beispiel. Der Assistent sieht die Ansicht wie Sie und kann einen Experten für das ganze Volumen rufen.</translation>
    </message>
</context>
<context>
    <name>LabelPanel</name>
    <message>
        <source>What an expert should segment in the whole volume</source>
        <translation>Was ein Experte im ganzen Volumen segmentieren soll</translation>
    </message>
    <message>
        <source>Expert and structure</source>
        <translation>Experte und Struktur</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>Starten</translation>
    </message>
    <message>
        <source>Structure</source>
        <translation>Struktur</translation>
    </message>
    <message>
        <source>mL</source>
        <translation>mL</translation>
    </message>
    <message>
        <source>Mean HU</source>
        <translation>Mittel HE</translation>
    </message>
    <message>
        <source>Click a structure to go to the slice where it is largest; click its colour to change it</source>
        <translation>Ein Klick auf eine Struktur springt zur Schicht, in der sie am größten ist; ein Klick auf die Farbe ändert sie</translation>
    </message>
    <message>
        <source>Opacity</source>
        <translation>Deckkraft</translation>
    </message>
    <message>
        <source>Opacity of the mask</source>
        <translation>Deckkraft der Maske</translation>
    </message>
    <message>
        <source>Outline</source>
        <translation>Umriss</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Takes the mask off the images</source>
        <translation>Nimmt die Maske von den Bildern</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>Angehalten.</translation>
    </message>
    <message>
        <source>The expert did not run: %1</source>
        <translation>Der Experte ist nicht gelaufen: %1</translation>
    </message>
    <message>
        <source>Open a study first</source>
        <translation>Zuerst eine Studie öffnen</translation>
    </message>
    <message>
        <source>No expert for this kind of image</source>
        <translation>Kein Experte für diese Art von Bild</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>No mask yet. Ask the assistant, or run an expert.</source>
        <translation>Noch keine Maske. Fragen Sie den Assistenten, oder starten Sie einen Experten.</translation>
    </message>
    <message>
        <source>AI result of %1 %2 (%3). Check it against the image.</source>
        <translation>KI-Ergebnis von %1 %2 (%3). Bitte am Bild prüfen.</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>Colour of %1</source>
        <translation>Farbe von %1</translation>
    </message>
</context>
<context>
    <name>Loader</name>
    <message>
        <source>Looking for images</source>
        <translation>Bilder werden gesucht</translation>
    </message>
    <message>
        <source>Loading the series</source>
        <translation>Serie wird geladen</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Hounsfield</source>
        <translation>Hounsfield</translation>
    </message>
    <message>
        <source>Open a study</source>
        <translation>Studie öffnen</translation>
    </message>
    <message>
        <source>Drop a folder, DICOM files, a DICOMDIR or a ZIP archive here.
Nothing leaves this computer.</source>
        <translation>Ziehen Sie einen Ordner, DICOM-Dateien, ein DICOMDIR oder ein ZIP-Archiv hierher.
Nichts verlässt diesen Rechner.</translation>
    </message>
    <message>
        <source>Open folder ...</source>
        <translation>Ordner öffnen ...</translation>
    </message>
    <message>
        <source>Open the sample study</source>
        <translation>Beispielstudie öffnen</translation>
    </message>
    <message>
        <source>Studies</source>
        <translation>Studien</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>Assistent</translation>
    </message>
    <message>
        <source>Labels and experts</source>
        <translation>Strukturen und Experten</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>Open files ...</source>
        <translation>Dateien öffnen ...</translation>
    </message>
    <message>
        <source>Save the view as a picture ...</source>
        <translation>Ansicht als Bild speichern ...</translation>
    </message>
    <message>
        <source>Close all studies</source>
        <translation>Alle Studien schließen</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>&amp;Ansicht</translation>
    </message>
    <message>
        <source>One view / all views</source>
        <translation>Eine Ansicht / alle Ansichten</translation>
    </message>
    <message>
        <source>Fit to the window</source>
        <translation>Ins Fenster einpassen</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>Zurücksetzen</translation>
    </message>
    <message>
        <source>Invert</source>
        <translation>Invertieren</translation>
    </message>
    <message>
        <source>Crosshair</source>
        <translation>Fadenkreuz</translation>
    </message>
    <message>
        <source>Texts</source>
        <translation>Texte</translation>
    </message>
    <message>
        <source>Mask</source>
        <translation>Maske</translation>
    </message>
    <message>
        <source>Window presets</source>
        <translation>Fenstervorgaben</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>As stored</source>
        <translation>Wie gespeichert</translation>
    </message>
    <message>
        <source>3D preset</source>
        <translation>3D-Voreinstellung</translation>
    </message>
    <message>
        <source>&amp;Assistant</source>
        <translation>&amp;Assistent</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Fragen</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>Neues Gespräch</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>&amp;Hilfe</translation>
    </message>
    <message>
        <source>Keys and mouse</source>
        <translation>Tasten und Maus</translation>
    </message>
    <message>
        <source>About Hounsfield</source>
        <translation>Über Hounsfield</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) could not be used</source>
        <translation><numerusform>%n Datei konnte nicht verwendet werden</numerusform><numerusform>%n Dateien konnten nicht verwendet werden</numerusform></translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <source>Nothing that can be shown was found.</source>
        <translation>Es wurde nichts gefunden, das gezeigt werden kann.</translation>
    </message>
    <message>
        <source>The file or folder was not found.</source>
        <translation>Die Datei oder der Ordner wurde nicht gefunden.</translation>
    </message>
    <message>
        <source>This kind of image is not supported.</source>
        <translation>Diese Art von Bild wird nicht unterstützt.</translation>
    </message>
    <message>
        <source>The file is damaged.</source>
        <translation>Die Datei ist beschädigt.</translation>
    </message>
    <message>
        <source>There is not enough memory for this series.</source>
        <translation>Der Speicher reicht für diese Serie nicht.</translation>
    </message>
    <message>
        <source>This could not be opened.</source>
        <translation>Dies konnte nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>The sample study is not installed.</source>
        <translation>Die Beispielstudie ist nicht installiert.</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Open files</source>
        <translation>Dateien öffnen</translation>
    </message>
    <message>
        <source>Save the view as a picture</source>
        <translation>Ansicht als Bild speichern</translation>
    </message>
    <message>
        <source>PNG pictures (*.png)</source>
        <translation>PNG-Bilder (*.png)</translation>
    </message>
    <message>
        <source>The picture could not be written to %1.</source>
        <translation>Das Bild konnte nicht nach %1 geschrieben werden.</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>Bereit</translation>
    </message>
    <message>
        <source>%1 - Hounsfield</source>
        <translation>%1 - Hounsfield</translation>
    </message>
    <message>
        <source>&lt;table cellpadding='3'&gt;&lt;tr&gt;&lt;td&gt;Wheel&lt;/td&gt;&lt;td&gt;next slice; with Shift ten; with Ctrl zoom&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Left drag&lt;/td&gt;&lt;td&gt;window width and level&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Left click&lt;/td&gt;&lt;td&gt;moves the crosshair in all planes&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Middle drag&lt;/td&gt;&lt;td&gt;pan&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Right drag / click&lt;/td&gt;&lt;td&gt;zoom / presets&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Double click, M&lt;/td&gt;&lt;td&gt;one view, all views&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Arrows, Home, End&lt;/td&gt;&lt;td&gt;slices&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;0 ... 9&lt;/td&gt;&lt;td&gt;window presets&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;R, F, I, X, T, Space&lt;/td&gt;&lt;td&gt;reset, fit, invert, crosshair, texts, mask&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Ctrl+K, Esc&lt;/td&gt;&lt;td&gt;ask, stop&lt;/td&gt;&lt;/tr&gt;&lt;/table&gt;</source>
        <translation>&lt;table cellpadding='3'&gt;&lt;tr&gt;&lt;td&gt;Mausrad&lt;/td&gt;&lt;td&gt;nächste Schicht; mit Umschalt zehn; mit Strg Zoom&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Links ziehen&lt;/td&gt;&lt;td&gt;Fensterbreite und -lage&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Linksklick&lt;/td&gt;&lt;td&gt;setzt das Fadenkreuz in allen Ebenen&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Mitte ziehen&lt;/td&gt;&lt;td&gt;verschieben&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Rechts ziehen / klicken&lt;/td&gt;&lt;td&gt;Zoom / Vorgaben&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Doppelklick, M&lt;/td&gt;&lt;td&gt;eine Ansicht, alle Ansichten&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Pfeile, Pos1, Ende&lt;/td&gt;&lt;td&gt;Schichten&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;0 ... 9&lt;/td&gt;&lt;td&gt;Fenstervorgaben&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;R, F, I, X, T, Leertaste&lt;/td&gt;&lt;td&gt;zurücksetzen, einpassen, invertieren, Fadenkreuz, Texte, Maske&lt;/td&gt;&lt;/tr&gt;&lt;tr&gt;&lt;td&gt;Strg+K, Esc&lt;/td&gt;&lt;td&gt;fragen, anhalten&lt;/td&gt;&lt;/tr&gt;&lt;/table&gt;</translation>
    </message>
    <message>
        <source>&lt;b&gt;Hounsfield %1&lt;/b&gt;&lt;p&gt;DICOM viewer with a local radiology assistant. Everything runs on this computer.&lt;/p&gt;&lt;p&gt;Not a medical device. Not for diagnosis.&lt;/p&gt;</source>
        <translation>&lt;b&gt;Hounsfield %1&lt;/b&gt;&lt;p&gt;DICOM-Betrachter mit einem lokalen radiologischen Assistenten. Alles läuft auf diesem Rechner.&lt;/p&gt;&lt;p&gt;Kein Medizinprodukt. Nicht zur Diagnose.&lt;/p&gt;</translation>
    </message>
</context>
<context>
    <name>SliceView</name>
    <message>
        <source>%1 cm</source>
        <translation>%1 cm</translation>
    </message>
    <message>
        <source>%1 HU</source>
        <translation>%1 HE</translation>
    </message>
    <message>
        <source>W %1  L %2</source>
        <translation>W %1  L %2</translation>
    </message>
    <message>
        <source>Zoom %1 %</source>
        <translation>Zoom %1 %</translation>
    </message>
    <message>
        <source>Axial</source>
        <translation>Axial</translation>
    </message>
    <message>
        <source>Sagittal</source>
        <translation>Sagittal</translation>
    </message>
    <message>
        <source>Coronal</source>
        <translation>Koronal</translation>
    </message>
    <message>
        <source> (oblique %1°)</source>
        <translation> (schräg %1°)</translation>
    </message>
    <message>
        <source>Series %1</source>
        <translation>Serie %1</translation>
    </message>
    <message>
        <source>Image %1 / %2</source>
        <translation>Bild %1 / %2</translation>
    </message>
    <message>
        <source>%1 mm thick</source>
        <translation>%1 mm dick</translation>
    </message>
    <message>
        <source>AI: %1 %2</source>
        <translation>KI: %1 %2</translation>
    </message>
    <message>
        <source>lossy</source>
        <translation>verlustbehaftet</translation>
    </message>
    <message>
        <source>gantry tilt, resampled</source>
        <translation>Gantrykippung, umgerechnet</translation>
    </message>
    <message>
        <source>missing slices, interpolated</source>
        <translation>fehlende Schichten, interpoliert</translation>
    </message>
    <message>
        <source>uneven slices, resampled</source>
        <translation>ungleiche Schichten, umgerechnet</translation>
    </message>
    <message>
        <source>images missing</source>
        <translation>Bilder fehlen</translation>
    </message>
    <message>
        <source>no scale</source>
        <translation>kein Maßstab</translation>
    </message>
    <message>
        <source>duplicate slices left out</source>
        <translation>doppelte Schichten ausgelassen</translation>
    </message>
</context>
<context>
    <name>StudyBrowser</name>
    <message>
        <source>Studies and series</source>
        <translation>Studien und Serien</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Studie</translation>
    </message>
    <message>
        <source>1 image</source>
        <translation>1 Bild</translation>
    </message>
    <message numerus="yes">
        <source>%n image(s)</source>
        <translation><numerusform>%n Bild</numerusform><numerusform>%n Bilder</numerusform></translation>
    </message>
</context>
<context>
    <name>VolumeView3D</name>
    <message>
        <source>How the volume is rendered</source>
        <translation>Darstellung des Volumens</translation>
    </message>
    <message>
        <source>Bone</source>
        <translation>Knochen</translation>
    </message>
    <message>
        <source>Soft tissue</source>
        <translation>Weichteile</translation>
    </message>
    <message>
        <source>Lung</source>
        <translation>Lunge</translation>
    </message>
    <message>
        <source>Maximum intensity</source>
        <translation>Maximale Intensität</translation>
    </message>
</context>
<context>
    <name>WindowPreset</name>
    <message>
        <source>Soft tissue</source>
        <translation>Weichteile</translation>
    </message>
    <message>
        <source>Lung</source>
        <translation>Lunge</translation>
    </message>
    <message>
        <source>Bone</source>
        <translation>Knochen</translation>
    </message>
    <message>
        <source>Brain</source>
        <translation>Gehirn</translation>
    </message>
    <message>
        <source>Subdural</source>
        <translation>Subdural</translation>
    </message>
    <message>
        <source>Liver</source>
        <translation>Leber</translation>
    </message>
    <message>
        <source>Angiography</source>
        <translation>Angiographie</translation>
    </message>
    <message>
        <source>Stroke</source>
        <translation>Schlaganfall</translation>
    </message>
    <message>
        <source>Mediastinum</source>
        <translation>Mediastinum</translation>
    </message>
    <message>
        <source>Spine</source>
        <translation>Wirbelsäule</translation>
    </message>
    <message>
        <source>Temporal bone</source>
        <translation>Felsenbein</translation>
    </message>
</context>
<context>
    <name>hf::StudyBrowser</name>
    <message>
        <source>Series</source>
        <translation>Serie</translation>
    </message>
</context>
</TS>
