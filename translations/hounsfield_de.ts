<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
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
    <message>
        <source>PET 0 to 5</source>
        <translation>PET 0 bis 5</translation>
    </message>
    <message>
        <source>PET 0 to 10</source>
        <translation>PET 0 bis 10</translation>
    </message>
</context>
<context>
    <name>hf::ChannelDialog</name>
    <message>
        <source>Series for %1</source>
        <translation>Serien für %1</translation>
    </message>
    <message>
        <source>The choice was made by the attributes of the files. Check it. Series of another grid are registered to the first one.</source>
        <translation>Die Auswahl wurde nach den Attributen der Dateien getroffen. Bitte prüfen. Serien mit anderem Gitter werden auf die erste registriert.</translation>
    </message>
    <message>
        <source>choose</source>
        <translation>auswählen</translation>
    </message>
    <message>
        <source>%1: %2, %3 images</source>
        <translation>%1: %2, %3 Bilder</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>Ausführen</translation>
    </message>
    <message>
        <source>Choose a series for each.</source>
        <translation>Für jede eine Serie auswählen.</translation>
    </message>
    <message>
        <source>One series is chosen twice.</source>
        <translation>Eine Serie ist zweimal ausgewählt.</translation>
    </message>
</context>
<context>
    <name>hf::ChatPanel</name>
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
        <source>%1, demo</source>
        <translation>%1, Demo</translation>
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
        <source>AI answer by %1</source>
        <translation>KI-Antwort von %1</translation>
    </message>
    <message>
        <source>Open a study, then ask about what you see.</source>
        <translation>Öffnen Sie eine Studie und fragen Sie dann nach dem, was Sie sehen.</translation>
    </message>
    <message>
        <source>Ask about the active view, or click one of the examples. The assistant sees the view as you do, and may call an expert for the whole volume.</source>
        <translation>Stellen Sie eine Frage zur aktiven Ansicht, oder wählen Sie ein Beispiel. Der Assistent sieht die Ansicht wie Sie und kann einen Experten für das ganze Volumen rufen.</translation>
    </message>
    <message>
        <source>thin slice</source>
        <translation>dünne Schicht</translation>
    </message>
    <message>
        <source>the straight slice, not the oblique one</source>
        <translation>die gerade Schicht, nicht die schräge</translation>
    </message>
    <message>
        <source>Conversation and what is behind it</source>
        <translation>Gespräch und was dahinter steht</translation>
    </message>
    <message>
        <source>Scores by %1 %2 (0.5 is the operating point):</source>
        <translation>Werte von %1 %2 (0,5 ist der Arbeitspunkt):</translation>
    </message>
    <message>
        <source>%1 %2 (%3 to %4, %5 models)</source>
        <translation>%1 %2 (%3 bis %4, %5 Modelle)</translation>
    </message>
</context>
<context>
    <name>hf::ClickRow</name>
    <message>
        <source>+ here</source>
        <translation>+ hier</translation>
    </message>
    <message>
        <source>The crosshair is inside the structure: adds the place for the next run</source>
        <translation>Das Fadenkreuz liegt in der Struktur: merkt die Stelle für den nächsten Lauf vor</translation>
    </message>
    <message>
        <source>− here</source>
        <translation>− hier</translation>
    </message>
    <message>
        <source>The crosshair is outside the structure: adds the place for the next run</source>
        <translation>Das Fadenkreuz liegt außerhalb der Struktur: merkt die Stelle für den nächsten Lauf vor</translation>
    </message>
    <message>
        <source>Forget</source>
        <translation>Vergessen</translation>
    </message>
    <message>
        <source>Forgets the marked places</source>
        <translation>Vergisst die markierten Stellen</translation>
    </message>
    <message>
        <source>the whole volume</source>
        <translation>das ganze Volumen</translation>
    </message>
    <message>
        <source>places: %1</source>
        <translation>Stellen: %1</translation>
    </message>
</context>
<context>
    <name>hf::Findings</name>
    <message>
        <source>Add a measurement</source>
        <translation>Messung hinzufügen</translation>
    </message>
    <message>
        <source>Change a measurement</source>
        <translation>Messung ändern</translation>
    </message>
    <message>
        <source>Change a text</source>
        <translation>Text ändern</translation>
    </message>
    <message>
        <source>Remove a measurement</source>
        <translation>Messung entfernen</translation>
    </message>
    <message>
        <source>Remove all measurements</source>
        <translation>Alle Messungen entfernen</translation>
    </message>
    <message>
        <source>The saved measurements of this study cannot be read. The file was kept as %1.</source>
        <translation>Die gespeicherten Messungen dieser Studie sind nicht lesbar. Die Datei wurde als %1 aufgehoben.</translation>
    </message>
    <message>
        <source>The saved measurements of this study cannot be read; new ones will not be saved.</source>
        <translation>Die gespeicherten Messungen dieser Studie sind nicht lesbar; neue werden nicht gespeichert.</translation>
    </message>
    <message>
        <source>Another window has changed the measurements of this study meanwhile. Its file was kept as %1.</source>
        <translation>Ein anderes Fenster hat die Messungen dieser Untersuchung inzwischen geändert. Seine Datei wurde als %1 behalten.</translation>
    </message>
    <message>
        <source>The measurements could not be saved: %1</source>
        <translation>Die Messungen konnten nicht gespeichert werden: %1</translation>
    </message>
</context>
<context>
    <name>hf::FindingsPanel</name>
    <message>
        <source>No measurements yet. Choose a tool above the images or press D for a distance.</source>
        <translation>Noch keine Messungen. Wählen Sie ein Werkzeug über den Bildern oder drücken Sie D für eine Strecke.</translation>
    </message>
    <message>
        <source>Measurements</source>
        <translation>Messungen</translation>
    </message>
    <message>
        <source>Finding</source>
        <translation>Befund</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Image</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Copies all measurements as text</source>
        <translation>Kopiert alle Messungen als Text</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Removes the chosen measurement; can be undone</source>
        <translation>Entfernt die gewählte Messung; kann rückgängig gemacht werden</translation>
    </message>
    <message>
        <source>other series</source>
        <translation>andere Serie</translation>
    </message>
</context>
<context>
    <name>hf::LabelPanel</name>
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
        <source>Structures of the mask</source>
        <translation>Strukturen der Maske</translation>
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
        <source>Takes the mask off the images; can be undone</source>
        <translation>Nimmt die Maske von den Bildern; kann rückgängig gemacht werden</translation>
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
        <source>Mean</source>
        <translation>Mittelwert</translation>
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
    <message>
        <source>The series were not prepared: %1</source>
        <translation>Die Serien wurden nicht vorbereitet: %1</translation>
    </message>
    <message>
        <source>The licence of the weights was not accepted.</source>
        <translation>Die Lizenz der Gewichte wurde nicht angenommen.</translation>
    </message>
    <message>
        <source>Licence of %1</source>
        <translation>Lizenz von %1</translation>
    </message>
    <message>
        <source>The weights of %1 have this licence:

%2</source>
        <translation>Die Gewichte von %1 haben diese Lizenz:

%2</translation>
    </message>
    <message>
        <source>Intended use: %1</source>
        <translation>Vorgesehene Verwendung: %1</translation>
    </message>
    <message>
        <source>They are for research only; every result will say so.</source>
        <translation>Sie sind nur für die Forschung; jedes Ergebnis wird das sagen.</translation>
    </message>
    <message>
        <source>Accept and run</source>
        <translation>Annehmen und ausführen</translation>
    </message>
</context>
<context>
    <name>hf::MaskReceiver</name>
    <message>
        <source>Mask by %1</source>
        <translation>Maske von %1</translation>
    </message>
</context>
<context>
    <name>hf::MeasurementText</name>
    <message>
        <source>%1 px (no scale)</source>
        <translation>%1 px (kein Maßstab)</translation>
    </message>
    <message>
        <source>%1 mm at the detector</source>
        <translation>%1 mm am Detektor</translation>
    </message>
    <message>
        <source>%1 mm</source>
        <translation>%1 mm</translation>
    </message>
    <message>
        <source>%1 px² (no scale)</source>
        <translation>%1 px² (kein Maßstab)</translation>
    </message>
    <message>
        <source>%1 mm²</source>
        <translation>%1 mm²</translation>
    </message>
    <message>
        <source>%1 cm²</source>
        <translation>%1 cm²</translation>
    </message>
    <message>
        <source>%1 at the detector</source>
        <translation>%1 am Detektor</translation>
    </message>
    <message>
        <source>%1 HU</source>
        <translation>%1 HE</translation>
    </message>
    <message>
        <source>SUV %1</source>
        <translation>SUV %1</translation>
    </message>
    <message>
        <source>Mean %1  SD %2</source>
        <translation>Mittel %1  SD %2</translation>
    </message>
    <message>
        <source>Min %1  Max %2</source>
        <translation>Min %1  Max %2</translation>
    </message>
    <message>
        <source>Area %1</source>
        <translation>Fläche %1</translation>
    </message>
    <message>
        <source>no pixel inside</source>
        <translation>kein Pixel darin</translation>
    </message>
    <message>
        <source>Cobb %1°</source>
        <translation>Cobb %1°</translation>
    </message>
    <message>
        <source>%1°</source>
        <translation>%1°</translation>
    </message>
    <message>
        <source>outside</source>
        <translation>außerhalb</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>Strecke</translation>
    </message>
    <message>
        <source>Angle</source>
        <translation>Winkel</translation>
    </message>
    <message>
        <source>Cobb angle</source>
        <translation>Cobb-Winkel</translation>
    </message>
    <message>
        <source>Ellipse</source>
        <translation>Ellipse</translation>
    </message>
    <message>
        <source>Rectangle</source>
        <translation>Rechteck</translation>
    </message>
    <message>
        <source>Polygon</source>
        <translation>Vieleck</translation>
    </message>
    <message>
        <source>Freehand outline</source>
        <translation>Freihandumriss</translation>
    </message>
    <message>
        <source>Arrow</source>
        <translation>Pfeil</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>Probe</source>
        <translation>Messpunkt</translation>
    </message>
    <message>
        <source>%1 ± %2</source>
        <translation>%1 ± %2</translation>
    </message>
    <message>
        <source>Scale: pixel spacing in the patient.</source>
        <translation>Maßstab: Pixelabstand im Patienten.</translation>
    </message>
    <message>
        <source>Scale: pixel spacing at the detector. What lies in the patient is smaller.</source>
        <translation>Maßstab: Pixelabstand am Detektor. Was im Patienten liegt, ist kleiner.</translation>
    </message>
    <message>
        <source>Scale: calibrated region of the ultrasound image.</source>
        <translation>Maßstab: kalibrierter Bereich des Ultraschallbilds.</translation>
    </message>
    <message>
        <source>No scale: lengths are pixels.</source>
        <translation>Kein Maßstab: Längen sind Pixel.</translation>
    </message>
    <message>
        <source>(values of the thin slice)</source>
        <translation>(Werte der dünnen Schicht)</translation>
    </message>
    <message>
        <source>R %1  G %2  B %3</source>
        <translation>R %1  G %2  B %3</translation>
    </message>
    <message>
        <source>Key image</source>
        <translation>Schlüsselbild</translation>
    </message>
</context>
<context>
    <name>hf::NoteText</name>
    <message>
        <source>%1 images lie where another one lies and were left out.</source>
        <translation>%1 Bilder liegen an derselben Stelle wie ein anderes und wurden weggelassen.</translation>
    </message>
    <message>
        <source>The gantry was tilted by %1 degrees; the slices were resampled to a straight grid.</source>
        <translation>Die Gantry war um %1 Grad gekippt; die Schichten wurden auf ein gerades Gitter umgerechnet.</translation>
    </message>
    <message>
        <source>The slices are shifted against each other by up to %1 mm; they were resampled to a straight grid.</source>
        <translation>Die Schichten sind um bis zu %1 mm gegeneinander verschoben; sie wurden auf ein gerades Gitter umgerechnet.</translation>
    </message>
    <message>
        <source>%1 slice is missing; the gaps were filled by interpolation.</source>
        <translation>%1 Schicht fehlt; die Lücken wurden durch Interpolation gefüllt.</translation>
    </message>
    <message>
        <source>%1 slices are missing; the gaps were filled by interpolation.</source>
        <translation>%1 Schichten fehlen; die Lücken wurden durch Interpolation gefüllt.</translation>
    </message>
    <message>
        <source>%1 image lies so close to another one that the resampled slices hardly show it.</source>
        <translation>%1 Bild liegt so nah an einem anderen, dass die umgerechneten Schichten es kaum zeigen.</translation>
    </message>
    <message>
        <source>%1 images lie so close to another one that the resampled slices hardly show it.</source>
        <translation>%1 Bilder liegen so nah an einem anderen, dass die umgerechneten Schichten sie kaum zeigen.</translation>
    </message>
    <message>
        <source>The distances of the slices vary from %1 to %2 mm; they were resampled to equal distances.</source>
        <translation>Die Abstände der Schichten liegen zwischen %1 und %2 mm; sie wurden auf gleiche Abstände umgerechnet.</translation>
    </message>
    <message>
        <source>The file marks values as padding; they are shown black.</source>
        <translation>Die Datei kennzeichnet Werte als Füllwerte; sie erscheinen schwarz.</translation>
    </message>
    <message>
        <source>Values that the file marks as padding differ from image to image; they are shown like others.</source>
        <translation>Füllwerte unterscheiden sich von Bild zu Bild; sie werden wie andere Werte gezeigt.</translation>
    </message>
    <message>
        <source>Low values are bright in this image (MONOCHROME1).</source>
        <translation>Niedrige Werte sind in diesem Bild hell (MONOCHROME1).</translation>
    </message>
    <message>
        <source>The image was compressed with loss.</source>
        <translation>Das Bild wurde verlustbehaftet komprimiert.</translation>
    </message>
    <message>
        <source>Values come from a modality lookup table.</source>
        <translation>Die Werte stammen aus einer Modality-LUT.</translation>
    </message>
    <message>
        <source>Whole numbers of more than 53 bits are rounded.</source>
        <translation>Ganze Zahlen mit mehr als 53 Bit sind gerundet.</translation>
    </message>
    <message>
        <source>%1 voxels hold no number and are shown as 0.</source>
        <translation>%1 Voxel enthalten keine Zahl und werden als 0 gezeigt.</translation>
    </message>
    <message>
        <source>Colours are those of the file&apos;s supplemental palette; greys are seen in the window of the file.</source>
        <translation>Die Farben sind die der Zusatzpalette der Datei; Grauwerte erscheinen im Fenster der Datei.</translation>
    </message>
    <message>
        <source>Some images have colours of a supplemental palette, which are not shown: their highest values are no measured values.</source>
        <translation>Einige Bilder haben Farben einer Zusatzpalette, die nicht gezeigt werden: Ihre höchsten Werte sind keine Messwerte.</translation>
    </message>
    <message>
        <source>The overlay planes of the images are not shown on resampled slices.</source>
        <translation>Die Overlay-Ebenen der Bilder werden auf umgerechneten Schichten nicht gezeigt.</translation>
    </message>
    <message>
        <source>%1 of %2 images could not be decoded: %3.</source>
        <translation>%1 von %2 Bildern konnten nicht dekodiert werden: %3.</translation>
    </message>
    <message>
        <source>The file does not tell the modality.</source>
        <translation>Die Datei nennt keine Modalität.</translation>
    </message>
    <message>
        <source>The file holds %1 volumes; the first is shown.</source>
        <translation>Die Datei enthält %1 Volumen; das erste wird gezeigt.</translation>
    </message>
    <message>
        <source>The file tells how opaque each voxel is; its colours are shown without that.</source>
        <translation>Die Datei sagt, wie deckend jedes Voxel ist; ihre Farben werden ohne das gezeigt.</translation>
    </message>
    <message>
        <source>The file gives no pixel spacing; 1 mm was assumed, lengths mean nothing.</source>
        <translation>Die Datei nennt keinen Pixelabstand; 1 mm wurde angenommen, Längen haben keine Bedeutung.</translation>
    </message>
    <message>
        <source>The parts of the image have scales of their own; lengths beside them are pixels.</source>
        <translation>Die Teile des Bildes haben je einen eigenen Maßstab; Längen daneben sind Pixel.</translation>
    </message>
    <message>
        <source>The pixel spacing was measured at the detector, not in the patient.</source>
        <translation>Der Pixelabstand gilt am Detektor, nicht im Patienten.</translation>
    </message>
    <message>
        <source>Values are doses as the file gives them, usually Gy.</source>
        <translation>Die Werte sind Dosen, wie die Datei sie angibt, meist in Gy.</translation>
    </message>
    <message>
        <source>Values are standardised uptake values by body weight (g/ml).</source>
        <translation>Die Werte sind SUV nach Körpergewicht (g/ml).</translation>
    </message>
    <message>
        <source>No standardised uptake values: the file does not give %1. Values are as stored.</source>
        <translation>Keine SUV: Die Datei nennt nicht %1. Die Werte sind wie gespeichert.</translation>
    </message>
    <message>
        <source>Many slices lie side by side in each image; they are shown as stored.</source>
        <translation>In jedem Bild liegen viele Schichten nebeneinander; sie werden wie gespeichert gezeigt.</translation>
    </message>
    <message>
        <source>The file does not tell how the image lies in the patient; sides are not known.</source>
        <translation>Die Datei sagt nicht, wie das Bild im Patienten liegt; die Seiten sind unbekannt.</translation>
    </message>
    <message>
        <source>The images are not shown as a volume; they are paged through in their order.</source>
        <translation>Die Bilder werden nicht als Volumen gezeigt; sie werden der Reihe nach durchgeblättert.</translation>
    </message>
    <message>
        <source>The file does not describe %1 of its %2 frames; they are not shown.</source>
        <translation>Die Datei beschreibt %1 ihrer %2 Bilder nicht; sie werden nicht gezeigt.</translation>
    </message>
    <message>
        <source>The frames hold intensities, not their logarithms: what is left after the subtraction depends on what lies behind.</source>
        <translation>Die Bilder enthalten Intensitäten, nicht deren Logarithmen: Was nach der Subtraktion bleibt, hängt von dem ab, was dahinter liegt.</translation>
    </message>
    <message>
        <source>The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part %1 of %2, %3.</source>
        <translation>Die Serie enthält Bilder, die kein gemeinsames Volumen sein können (Patient, Ausrichtung, Art, Ort oder Zeit); dies ist Teil %1 von %2, %3.</translation>
    </message>
    <message>
        <source>The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part %1 of %2.</source>
        <translation>Die Serie enthält Bilder, die kein gemeinsames Volumen sein können (Patient, Ausrichtung, Art, Ort oder Zeit); dies ist Teil %1 von %2.</translation>
    </message>
    <message>
        <source>The file tells how its values become intensities; they are shown as stored.</source>
        <translation>Die Datei sagt, wie aus ihren Werten Intensitäten werden; sie werden wie gespeichert gezeigt.</translation>
    </message>
    <message>
        <source>Shown first by presentation state %1, the newest of %2; not applied: %3.</source>
        <translation>Zuerst nach Presentation State %1 gezeigt, dem neuesten von %2; nicht angewendet: %3.</translation>
    </message>
    <message>
        <source>Shown first by presentation state %1; not applied: %2.</source>
        <translation>Zuerst nach Presentation State %1 gezeigt; nicht angewendet: %2.</translation>
    </message>
    <message>
        <source>Shown first by presentation state %1, the newest of %2.</source>
        <translation>Zuerst nach Presentation State %1 gezeigt, dem neuesten von %2.</translation>
    </message>
    <message>
        <source>Shown first by presentation state %1.</source>
        <translation>Zuerst nach Presentation State %1 gezeigt.</translation>
    </message>
    <message>
        <source>a plausible injected dose</source>
        <translation>eine plausible injizierte Aktivität</translation>
    </message>
    <message>
        <source>the injected dose</source>
        <translation>die injizierte Aktivität</translation>
    </message>
    <message>
        <source>a decay correction</source>
        <translation>eine Zerfallskorrektur</translation>
    </message>
    <message>
        <source>the half-life</source>
        <translation>die Halbwertszeit</translation>
    </message>
    <message>
        <source>a time of injection before the scan</source>
        <translation>eine Injektionszeit vor der Aufnahme</translation>
    </message>
    <message>
        <source>SUV by body weight</source>
        <translation>SUV nach Körpergewicht</translation>
    </message>
    <message>
        <source>an activity concentration</source>
        <translation>eine Aktivitätskonzentration</translation>
    </message>
    <message>
        <source>the patient&apos;s weight</source>
        <translation>das Gewicht des Patienten</translation>
    </message>
    <message>
        <source>a correction for attenuation and decay</source>
        <translation>eine Schwächungs- und Zerfallskorrektur</translation>
    </message>
    <message>
        <source>some drawings</source>
        <translation>einige Zeichnungen</translation>
    </message>
    <message>
        <source>line styles</source>
        <translation>Linienarten</translation>
    </message>
    <message>
        <source>text styles</source>
        <translation>Textgestaltung</translation>
    </message>
    <message>
        <source>some texts</source>
        <translation>einige Texte</translation>
    </message>
    <message>
        <source>compound drawings</source>
        <translation>zusammengesetzte Zeichnungen</translation>
    </message>
    <message>
        <source>displayed area</source>
        <translation>Bildausschnitt</translation>
    </message>
    <message>
        <source>size on the screen</source>
        <translation>Größe auf dem Bildschirm</translation>
    </message>
    <message>
        <source>turn by an angle that is no quarter</source>
        <translation>Drehung um keinen rechten Winkel</translation>
    </message>
    <message>
        <source>presentation lookup table</source>
        <translation>Darstellungs-LUT</translation>
    </message>
    <message>
        <source>modality lookup table</source>
        <translation>Modalitäts-LUT</translation>
    </message>
    <message>
        <source>overlay planes</source>
        <translation>Overlay-Ebenen</translation>
    </message>
    <message>
        <source>subtraction</source>
        <translation>Subtraktion</translation>
    </message>
    <message>
        <source>bitmap shutter</source>
        <translation>Blende als Bitmap</translation>
    </message>
    <message>
        <source>shutter</source>
        <translation>Blende</translation>
    </message>
    <message>
        <source>The images name different frames of reference; they were taken for one by their positions.</source>
        <translation>Die Bilder nennen verschiedene Bezugssysteme; nach ihren Positionen wurden sie für eines genommen.</translation>
    </message>
</context>
<context>
    <name>hf::ReasonText</name>
    <message>
        <source>not a DICOM or volume file</source>
        <translation>keine DICOM- oder Volumendatei</translation>
    </message>
    <message>
        <source>not a DICOM file</source>
        <translation>keine DICOM-Datei</translation>
    </message>
    <message>
        <source>there is no file %1 with the voxels</source>
        <translation>die Datei %1 mit den Voxeln fehlt</translation>
    </message>
    <message>
        <source>there is no frame %1</source>
        <translation>es gibt kein Bild %1</translation>
    </message>
    <message>
        <source>there is no %1</source>
        <translation>%1 gibt es nicht</translation>
    </message>
    <message>
        <source>the folder %1 cannot be read</source>
        <translation>der Ordner %1 ist nicht lesbar</translation>
    </message>
    <message>
        <source>the DICOMDIR cannot be read</source>
        <translation>das DICOMDIR ist nicht lesbar</translation>
    </message>
    <message>
        <source>the DICOMDIR names no files</source>
        <translation>das DICOMDIR nennt keine Dateien</translation>
    </message>
    <message>
        <source>named by the DICOMDIR, but not there</source>
        <translation>im DICOMDIR genannt, aber nicht vorhanden</translation>
    </message>
    <message>
        <source>the same image was found in another file</source>
        <translation>dasselbe Bild steht in einer anderen Datei</translation>
    </message>
    <message>
        <source>a presentation state for images that are not here</source>
        <translation>ein Presentation State für Bilder, die nicht hier sind</translation>
    </message>
    <message>
        <source>the file cannot be read: %1</source>
        <translation>die Datei ist nicht lesbar: %1</translation>
    </message>
    <message>
        <source>the file cannot be parsed: %1</source>
        <translation>die Datei ist nicht lesbar: %1</translation>
    </message>
    <message>
        <source>the file holds no attributes</source>
        <translation>die Datei enthält keine Attribute</translation>
    </message>
    <message>
        <source>the archive cannot be opened</source>
        <translation>das Archiv lässt sich nicht öffnen</translation>
    </message>
    <message>
        <source>no temporary folder can be made</source>
        <translation>es lässt sich kein temporärer Ordner anlegen</translation>
    </message>
    <message>
        <source>the archive has too many entries</source>
        <translation>das Archiv hat zu viele Einträge</translation>
    </message>
    <message>
        <source>the archive becomes %1 GB when it is unpacked, %2 GB are free in %3</source>
        <translation>das Archiv wird entpackt %1 GB groß, frei sind %2 GB in %3</translation>
    </message>
    <message>
        <source>the archive becomes larger than it says</source>
        <translation>das Archiv wird größer, als es angibt</translation>
    </message>
    <message>
        <source>the archive is encrypted or broken</source>
        <translation>das Archiv ist verschlüsselt oder beschädigt</translation>
    </message>
    <message>
        <source>the archive is broken</source>
        <translation>das Archiv ist beschädigt</translation>
    </message>
    <message>
        <source>the archive does not fit on the disk</source>
        <translation>das Archiv passt nicht auf den Datenträger</translation>
    </message>
    <message>
        <source>a DICOM object without pixels</source>
        <translation>ein DICOM-Objekt ohne Pixel</translation>
    </message>
    <message>
        <source>a DICOM segmentation object is not shown as an image</source>
        <translation>ein DICOM-Segmentierungsobjekt wird nicht als Bild gezeigt</translation>
    </message>
    <message>
        <source>an image without rows or columns</source>
        <translation>ein Bild ohne Zeilen oder Spalten</translation>
    </message>
    <message>
        <source>a number of frames that cannot be read</source>
        <translation>eine Bilderzahl, die nicht lesbar ist</translation>
    </message>
    <message>
        <source>a number of frames that cannot be right</source>
        <translation>eine Bilderzahl, die nicht stimmen kann</translation>
    </message>
    <message>
        <source>the file describes none of its frames</source>
        <translation>die Datei beschreibt keines ihrer Bilder</translation>
    </message>
    <message>
        <source>%1 samples per pixel of this kind are not supported</source>
        <translation>%1 Werte je Pixel dieser Art werden nicht unterstützt</translation>
    </message>
    <message>
        <source>%1 samples per pixel are not supported</source>
        <translation>%1 Werte je Pixel werden nicht unterstützt</translation>
    </message>
    <message>
        <source>colours as %1 are not supported</source>
        <translation>Farben als %1 werden nicht unterstützt</translation>
    </message>
    <message>
        <source>%1 bits allocated per pixel are not supported</source>
        <translation>%1 belegte Bits je Pixel werden nicht unterstützt</translation>
    </message>
    <message>
        <source>bits stored and high bit contradict the bits allocated</source>
        <translation>gespeicherte Bits und höchstes Bit widersprechen den belegten Bits</translation>
    </message>
    <message>
        <source>images in the transfer syntax %1 are not supported</source>
        <translation>Bilder in der Transfersyntax %1 werden nicht unterstützt</translation>
    </message>
    <message>
        <source>images in %1 are not supported</source>
        <translation>Bilder in %1 werden nicht unterstützt</translation>
    </message>
    <message>
        <source>a series without images</source>
        <translation>eine Serie ohne Bilder</translation>
    </message>
    <message>
        <source>the series has no DICOM images</source>
        <translation>die Serie hat keine DICOM-Bilder</translation>
    </message>
    <message>
        <source>images of one series differ in size</source>
        <translation>Bilder einer Serie sind verschieden groß</translation>
    </message>
    <message>
        <source>images of one series are partly grey, partly coloured</source>
        <translation>Bilder einer Serie sind teils grau, teils farbig</translation>
    </message>
    <message>
        <source>slices are shifted by more pixels than an image can have</source>
        <translation>Schichten sind um mehr Pixel verschoben, als ein Bild haben kann</translation>
    </message>
    <message>
        <source>the pixel data are shorter than the image</source>
        <translation>die Pixeldaten sind kürzer als das Bild</translation>
    </message>
    <message>
        <source>pixel data with a wrong value representation</source>
        <translation>Pixeldaten mit falschem Datentyp</translation>
    </message>
    <message>
        <source>the size of a frame is not known</source>
        <translation>die Größe eines Bildes ist nicht bekannt</translation>
    </message>
    <message>
        <source>a frame cannot be decoded: %1</source>
        <translation>ein Bild lässt sich nicht dekodieren: %1</translation>
    </message>
    <message>
        <source>a frame holds more than the header says</source>
        <translation>ein Bild enthält mehr, als der Dateikopf angibt</translation>
    </message>
    <message>
        <source>a deflated frame is damaged</source>
        <translation>ein komprimiertes Bild ist beschädigt</translation>
    </message>
    <message>
        <source>a deflated frame ends early</source>
        <translation>ein komprimiertes Bild endet vorzeitig</translation>
    </message>
    <message>
        <source>encapsulated pixel data without fragments</source>
        <translation>gekapselte Pixeldaten ohne Teile</translation>
    </message>
    <message>
        <source>encapsulated pixel data end early</source>
        <translation>gekapselte Pixeldaten enden vorzeitig</translation>
    </message>
    <message>
        <source>encapsulated frames in pieces without an offset table</source>
        <translation>gekapselte Bilder in Stücken ohne Verzeichnis</translation>
    </message>
    <message>
        <source>encapsulated frames in pieces cannot be joined</source>
        <translation>gekapselte Bilder in Stücken lassen sich nicht verbinden</translation>
    </message>
    <message>
        <source>an empty encapsulated frame</source>
        <translation>ein leeres gekapseltes Bild</translation>
    </message>
    <message>
        <source>the file ends before this frame</source>
        <translation>die Datei endet vor diesem Bild</translation>
    </message>
    <message>
        <source>the compressed image has %1 x %2 pixels of %3 samples, which is not what the header says</source>
        <translation>das komprimierte Bild hat %1 x %2 Pixel mit %3 Werten, anders als der Dateikopf angibt</translation>
    </message>
    <message>
        <source>the compressed image has no RLE header</source>
        <translation>dem komprimierten Bild fehlt der RLE-Kopf</translation>
    </message>
    <message>
        <source>the compressed image ends early</source>
        <translation>das komprimierte Bild endet vorzeitig</translation>
    </message>
    <message>
        <source>the compressed image holds fewer pixels than the header says</source>
        <translation>das komprimierte Bild enthält weniger Pixel, als der Dateikopf angibt</translation>
    </message>
    <message>
        <source>the compressed image holds more pixels than the header says</source>
        <translation>das komprimierte Bild enthält mehr Pixel, als der Dateikopf angibt</translation>
    </message>
    <message>
        <source>the compressed image holds larger values than its header says</source>
        <translation>das komprimierte Bild enthält größere Werte, als der Dateikopf angibt</translation>
    </message>
    <message>
        <source>a JPEG 2000 frame does not fit its header: %1</source>
        <translation>ein JPEG-2000-Bild passt nicht zum Dateikopf: %1</translation>
    </message>
    <message>
        <source>a JPEG 2000 frame does not fit its header</source>
        <translation>ein JPEG-2000-Bild passt nicht zum Dateikopf</translation>
    </message>
    <message>
        <source>a JPEG 2000 frame cannot be decoded: %1</source>
        <translation>ein JPEG-2000-Bild lässt sich nicht dekodieren: %1</translation>
    </message>
    <message>
        <source>a JPEG 2000 frame cannot be decoded</source>
        <translation>ein JPEG-2000-Bild lässt sich nicht dekodieren</translation>
    </message>
    <message>
        <source>a JPEG 2000 frame with subsampled colour is not supported</source>
        <translation>ein JPEG-2000-Bild mit unterabgetasteten Farben wird nicht unterstützt</translation>
    </message>
    <message>
        <source>a JPEG-LS frame does not fit its header</source>
        <translation>ein JPEG-LS-Bild passt nicht zum Dateikopf</translation>
    </message>
    <message>
        <source>a JPEG-LS frame cannot be decoded: %1</source>
        <translation>ein JPEG-LS-Bild lässt sich nicht dekodieren: %1</translation>
    </message>
    <message>
        <source>the picture cannot be decoded</source>
        <translation>das Bild lässt sich nicht dekodieren</translation>
    </message>
    <message>
        <source>a lookup table without its description</source>
        <translation>eine Farb- oder Wertetabelle ohne Beschreibung</translation>
    </message>
    <message>
        <source>a lookup table that is too short</source>
        <translation>eine Farb- oder Wertetabelle, die zu kurz ist</translation>
    </message>
    <message>
        <source>a segmented palette that is too short</source>
        <translation>eine segmentierte Palette, die zu kurz ist</translation>
    </message>
    <message>
        <source>a segmented palette that ends early</source>
        <translation>eine segmentierte Palette, die vorzeitig endet</translation>
    </message>
    <message>
        <source>a segmented palette with an unknown segment</source>
        <translation>eine segmentierte Palette mit einem unbekannten Segment</translation>
    </message>
    <message>
        <source>a segmented palette that begins with a line</source>
        <translation>eine segmentierte Palette, die mit einer Linie beginnt</translation>
    </message>
    <message>
        <source>the NIfTI header holds a place that is no number</source>
        <translation>der NIfTI-Kopf enthält einen Ort, der keine Zahl ist</translation>
    </message>
    <message>
        <source>the NIfTI header holds an intercept that is no number</source>
        <translation>der NIfTI-Kopf enthält einen Achsenabschnitt, der keine Zahl ist</translation>
    </message>
    <message>
        <source>the file ends before its voxels do</source>
        <translation>die Datei endet vor ihren Voxeln</translation>
    </message>
    <message>
        <source>the compressed voxels are damaged</source>
        <translation>die komprimierten Voxel sind beschädigt</translation>
    </message>
    <message>
        <source>the checksum of the compressed voxels is wrong</source>
        <translation>die Prüfsumme der komprimierten Voxel stimmt nicht</translation>
    </message>
    <message>
        <source>the NRRD header cannot be read: a line is too long</source>
        <translation>der NRRD-Kopf ist nicht lesbar: eine Zeile ist zu lang</translation>
    </message>
    <message>
        <source>the %1 header cannot be read: %2</source>
        <translation>der %1-Kopf ist nicht lesbar: %2</translation>
    </message>
    <message>
        <source>the %1 header cannot be read</source>
        <translation>der %1-Kopf ist nicht lesbar</translation>
    </message>
    <message>
        <source>a volume of %1 dimensions is not supported</source>
        <translation>ein Volumen mit %1 Dimensionen wird nicht unterstützt</translation>
    </message>
    <message>
        <source>a volume of size %1 cannot be right</source>
        <translation>ein Volumen der Größe %1 kann nicht stimmen</translation>
    </message>
    <message>
        <source>voxels of this type are not supported</source>
        <translation>Voxel dieses Typs werden nicht unterstützt</translation>
    </message>
    <message>
        <source>the volume needs more than 24 GB</source>
        <translation>das Volumen braucht mehr als 24 GB</translation>
    </message>
    <message>
        <source>the voxels of %1 cannot be read: %2</source>
        <translation>die Voxel von %1 sind nicht lesbar: %2</translation>
    </message>
    <message>
        <source>%1 is no NIfTI, NRRD or MetaImage file</source>
        <translation>%1 ist keine NIfTI-, NRRD- oder MetaImage-Datei</translation>
    </message>
    <message>
        <source>a file with %1 values a voxel is not supported</source>
        <translation>eine Datei mit %1 Werten je Voxel wird nicht unterstützt</translation>
    </message>
    <message>
        <source>the volume needs more memory than is free</source>
        <translation>das Volumen braucht mehr Speicher, als frei ist</translation>
    </message>
    <message>
        <source>the volume needs about %1 GB of memory, %2 GB are free</source>
        <translation>das Volumen braucht etwa %1 GB Speicher, frei sind %2 GB</translation>
    </message>
    <message>
        <source>there is not enough memory</source>
        <translation>es ist nicht genug Speicher frei</translation>
    </message>
    <message>
        <source>a direction without length</source>
        <translation>eine Richtung ohne Länge</translation>
    </message>
    <message>
        <source>voxel axes that are not numbers</source>
        <translation>Voxelachsen, die keine Zahlen sind</translation>
    </message>
    <message>
        <source>voxel axes that are not perpendicular</source>
        <translation>Voxelachsen, die nicht senkrecht aufeinander stehen</translation>
    </message>
    <message>
        <source>a volume without voxels</source>
        <translation>ein Volumen ohne Voxel</translation>
    </message>
    <message>
        <source>a voxel spacing that is not positive</source>
        <translation>ein Voxelabstand, der nicht positiv ist</translation>
    </message>
    <message>
        <source>an origin that is not a number</source>
        <translation>ein Ursprung, der keine Zahl ist</translation>
    </message>
    <message>
        <source>these images cannot be subtracted</source>
        <translation>diese Bilder lassen sich nicht subtrahieren</translation>
    </message>
    <message>
        <source>the series cannot be registered: %1</source>
        <translation>die Serien lassen sich nicht registrieren: %1</translation>
    </message>
    <message>
        <source>another copy of this image was taken in before, which stays</source>
        <translation>eine andere Kopie dieses Bildes wurde schon aufgenommen und bleibt</translation>
    </message>
    <message>
        <source>the list of studies: %1</source>
        <translation>die Studienliste: %1</translation>
    </message>
    <message>
        <source>the folder of the list of studies cannot be made: %1</source>
        <translation>der Ordner der Studienliste lässt sich nicht anlegen: %1</translation>
    </message>
    <message>
        <source>the list of studies was made by a later version of Hounsfield; it is left as it is</source>
        <translation>die Studienliste stammt von einer späteren Version von Hounsfield; sie bleibt, wie sie ist</translation>
    </message>
    <message>
        <source>the list of studies is damaged</source>
        <translation>die Studienliste ist beschädigt</translation>
    </message>
    <message>
        <source>the damaged list of studies cannot be moved aside: %1</source>
        <translation>die beschädigte Studienliste lässt sich nicht beiseitelegen: %1</translation>
    </message>
    <message>
        <source>a folder for copies cannot be made: %1</source>
        <translation>ein Ordner für Kopien lässt sich nicht anlegen: %1</translation>
    </message>
    <message>
        <source>copies cannot be moved into place: %1</source>
        <translation>Kopien lassen sich nicht an ihren Ort bringen: %1</translation>
    </message>
    <message>
        <source>the images cannot be copied: %1</source>
        <translation>die Bilder lassen sich nicht kopieren: %1</translation>
    </message>
    <message>
        <source>%1 (frame %2)</source>
        <translation>%1 (Bild %2)</translation>
    </message>
</context>
<context>
    <name>hf::Scene</name>
    <message>
        <source>Remove the mask</source>
        <translation>Maske entfernen</translation>
    </message>
    <message>
        <source>there is not enough memory</source>
        <translation>der Speicher reicht nicht</translation>
    </message>
</context>
<context>
    <name>hf::ScoreTable</name>
    <message>
        <source>Finding</source>
        <translation>Befund</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Spread</source>
        <translation>Streuung</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Findings and their scores</source>
        <translation>Befunde und ihre Werte</translation>
    </message>
    <message>
        <source>0.5 is the operating point of the models. Double-click a finding for a map of where it comes from.</source>
        <translation>0,5 ist der Arbeitspunkt der Modelle. Ein Doppelklick auf einen Befund zeigt eine Karte, woher er kommt.</translation>
    </message>
    <message>
        <source>AI result of %1 %2. Check it against the image.</source>
        <translation>KI-Ergebnis von %1 %2. Am Bild prüfen.</translation>
    </message>
    <message>
        <source>%1 to %2</source>
        <translation>%1 bis %2</translation>
    </message>
</context>
<context>
    <name>hf::SliceAnnotations</name>
    <message>
        <source>%1 mm</source>
        <translation>%1 mm</translation>
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
        <source>lossy</source>
        <translation>verlustbehaftet</translation>
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
        <source>scale by parts of the image</source>
        <translation>Maßstab je Bildteil</translation>
    </message>
    <message>
        <source>duplicate slices left out</source>
        <translation>doppelte Schichten ausgelassen</translation>
    </message>
    <message>
        <source>shifted slices, resampled</source>
        <translation>verschobene Schichten, umgerechnet</translation>
    </message>
    <message>
        <source>part of a series</source>
        <translation>Teil einer Serie</translation>
    </message>
    <message>
        <source>mosaic, as stored</source>
        <translation>Mosaik, wie gespeichert</translation>
    </message>
    <message>
        <source>sides unknown</source>
        <translation>Seiten unbekannt</translation>
    </message>
    <message>
        <source>no SUV</source>
        <translation>kein SUV</translation>
    </message>
    <message>
        <source>frames of reference differ</source>
        <translation>Bezugssysteme verschieden</translation>
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
        <source>%1 cm at the detector</source>
        <translation>%1 cm am Detektor</translation>
    </message>
    <message>
        <source>%1 cm</source>
        <translation>%1 cm</translation>
    </message>
    <message>
        <source>W %1  L %2</source>
        <translation>W %1  L %2</translation>
    </message>
    <message>
        <source>%1 (oblique %2°)</source>
        <translation>%1 (schräg %2°)</translation>
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
        <source>%1 mm, %2 mm thick</source>
        <translation>%1 mm, %2 mm dick</translation>
    </message>
    <message>
        <source>AI: %1 %2</source>
        <translation>KI: %1 %2</translation>
    </message>
    <message>
        <source>TWO PATIENTS: %1</source>
        <translation>ZWEI PATIENTEN: %1</translation>
    </message>
    <message>
        <source>name unknown</source>
        <translation>Name unbekannt</translation>
    </message>
    <message>
        <source>values missing</source>
        <translation>Werte fehlen</translation>
    </message>
    <message>
        <source>Series of %1</source>
        <translation>Serie von %1</translation>
    </message>
    <message>
        <source>Zoom %1 %, linear</source>
        <translation>Zoom %1 %, linear</translation>
    </message>
    <message>
        <source>images between the slices</source>
        <translation>Bilder zwischen den Schichten</translation>
    </message>
    <message>
        <source>values as stored</source>
        <translation>Werte wie gespeichert</translation>
    </message>
    <message>
        <source>colours not shown</source>
        <translation>Farben nicht gezeigt</translation>
    </message>
</context>
<context>
    <name>hf::SliceView</name>
    <message>
        <source>flipped</source>
        <translation>gespiegelt</translation>
    </message>
    <message>
        <source>turned</source>
        <translation>gedreht</translation>
    </message>
    <message>
        <source>R %1  G %2  B %3</source>
        <translation>R %1  G %2  B %3</translation>
    </message>
    <message>
        <source>Text on the image</source>
        <translation>Text auf dem Bild</translation>
    </message>
    <message>
        <source>Text, then Enter</source>
        <translation>Text, dann Eingabetaste</translation>
    </message>
    <message>
        <source>%1 of %2 mm</source>
        <translation>%1 über %2 mm</translation>
    </message>
    <message>
        <source>MIP</source>
        <translation>MIP</translation>
    </message>
    <message>
        <source>MinIP</source>
        <translation>MinIP</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>Mittelwert</translation>
    </message>
    <message>
        <source>Drag a series here, or choose one in the list.</source>
        <translation>Eine Serie hierher ziehen oder in der Liste wählen.</translation>
    </message>
    <message>
        <source>shutter open</source>
        <translation>Blende offen</translation>
    </message>
    <message>
        <source>oblique %1°</source>
        <translation>schräg %1°</translation>
    </message>
    <message>
        <source>place matched by hand</source>
        <translation>Stelle von Hand zugeordnet</translation>
    </message>
    <message>
        <source>place is %1 mm outside this series</source>
        <translation>Stelle liegt %1 mm außerhalb dieser Serie</translation>
    </message>
    <message>
        <source>presentation state %1</source>
        <translation>Darstellungszustand %1</translation>
    </message>
    <message>
        <source>presentation state %1, in part</source>
        <translation>Darstellungszustand %1, zum Teil</translation>
    </message>
    <message>
        <source>grey values of presentation state %1</source>
        <translation>Grauwerte des Darstellungszustands %1</translation>
    </message>
    <message>
        <source>being subtracted</source>
        <translation>wird subtrahiert</translation>
    </message>
    <message>
        <source>not subtracted</source>
        <translation>nicht subtrahiert</translation>
    </message>
    <message>
        <source>not subtracted: this image has no mask</source>
        <translation>nicht subtrahiert: dieses Bild hat keine Maske</translation>
    </message>
    <message>
        <source>subtracted, mask: image %1</source>
        <translation>subtrahiert, Maske: Bild %1</translation>
    </message>
    <message>
        <source>key image</source>
        <translation>Schlüsselbild</translation>
    </message>
    <message>
        <source>Window and level</source>
        <translation>Fensterung</translation>
    </message>
    <message>
        <source>Pan</source>
        <translation>Verschieben</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>Vergrößern</translation>
    </message>
    <message>
        <source>Turn the planes</source>
        <translation>Ebenen drehen</translation>
    </message>
    <message>
        <source>%1 of %2 mm instead of %3 mm: end of the images</source>
        <translation>%1 über %2 mm statt %3 mm: Ende der Bilder</translation>
    </message>
</context>
<context>
    <name>hf::StudyBrowser</name>
    <message>
        <source>Series</source>
        <translation>Serie</translation>
    </message>
    <message>
        <source>Studies and series</source>
        <translation>Studien und Serien</translation>
    </message>
    <message>
        <source>No study yet. What you open is listed here.</source>
        <translation>Noch keine Studie. Was Sie öffnen, steht dann hier.</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Studie</translation>
    </message>
    <message>
        <source>1 image</source>
        <translation>1 Bild</translation>
    </message>
    <message>
        <source>%1 images</source>
        <translation>%1 Bilder</translation>
    </message>
    <message>
        <source>time point %1</source>
        <translation>Zeitpunkt %1</translation>
    </message>
    <message>
        <source>stack %1</source>
        <translation>Stapel %1</translation>
    </message>
    <message>
        <source>flip angle %1</source>
        <translation>Kippwinkel %1</translation>
    </message>
    <message>
        <source>direction %1</source>
        <translation>Richtung %1</translation>
    </message>
    <message>
        <source>index %1</source>
        <translation>Index %1</translation>
    </message>
    <message>
        <source>contrast agent</source>
        <translation>Kontrastmittel</translation>
    </message>
    <message>
        <source>localizer</source>
        <translation>Übersicht</translation>
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
</context>
<context>
    <name>hf::TagBrowser</name>
    <message>
        <source>Tags of the image</source>
        <translation>Attribute des Bilds</translation>
    </message>
    <message>
        <source>Search for a number, a name or a value</source>
        <translation>Nummer, Name oder Wert suchen</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Attributes</source>
        <translation>Attribute</translation>
    </message>
    <message>
        <source>Tag</source>
        <translation>Nummer</translation>
    </message>
    <message>
        <source>VR</source>
        <translation>VR</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Copy the chosen</source>
        <translation>Gewählte kopieren</translation>
    </message>
    <message>
        <source>This image has no DICOM file.</source>
        <translation>Dieses Bild hat keine DICOM-Datei.</translation>
    </message>
    <message>
        <source>The file cannot be read: %1</source>
        <translation>Die Datei ist nicht lesbar: %1</translation>
    </message>
    <message>
        <source>%1 of %2 attributes</source>
        <translation>%1 von %2 Attributen</translation>
    </message>
</context>
<context>
    <name>hf::VolumeView3D</name>
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
    <message>
        <source>AI: %1 %2</source>
        <translation>KI: %1 %2</translation>
    </message>
    <message>
        <source>Vessels</source>
        <translation>Gefäße</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>Building the volume ...</source>
        <translation>Das Volumen wird aufgebaut ...</translation>
    </message>
    <message>
        <source>Software OpenGL, slow: coarse at first and while moving</source>
        <translation>Software-OpenGL, langsam: zuerst und beim Bewegen grob</translation>
    </message>
    <message>
        <source>No 3D view of these images</source>
        <translation>Keine 3D-Ansicht dieser Bilder</translation>
    </message>
</context>
<context>
    <name>hf::app::ActionTable</name>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>More tools</source>
        <translation>Weitere Werkzeuge</translation>
    </message>
</context>
<context>
    <name>hf::app::EngineDialog</name>
    <message>
        <source>Assistant</source>
        <translation>Assistent</translation>
    </message>
    <message>
        <source>the built-in demo model</source>
        <translation>das eingebaute Demo-Modell</translation>
    </message>
    <message>
        <source>Choose ...</source>
        <translation>Wählen ...</translation>
    </message>
    <message>
        <source>Folder of a model</source>
        <translation>Ordner eines Modells</translation>
    </message>
    <message>
        <source>Automatic: the first graphics card, else the processor</source>
        <translation>Automatisch: die erste Grafikkarte, sonst der Prozessor</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <source>Graphics card %1 (CUDA)</source>
        <translation>Grafikkarte %1 (CUDA)</translation>
    </message>
    <message>
        <source>Automatic: as stored</source>
        <translation>Automatisch: wie gespeichert</translation>
    </message>
    <message>
        <source>bf16</source>
        <translation>bf16</translation>
    </message>
    <message>
        <source>fp16</source>
        <translation>fp16</translation>
    </message>
    <message>
        <source>fp32, exact and slow</source>
        <translation>fp32, genau und langsam</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
    <message>
        <source>int8: half the memory</source>
        <translation>int8: halber Speicher</translation>
    </message>
    <message>
        <source>int4: a quarter of the memory, less exact</source>
        <translation>int4: ein Viertel des Speichers, ungenauer</translation>
    </message>
    <message>
        <source>&amp;Model:</source>
        <translation>&amp;Modell:</translation>
    </message>
    <message>
        <source>Runs &amp;on:</source>
        <translation>Läuft &amp;auf:</translation>
    </message>
    <message>
        <source>&amp;Numbers:</source>
        <translation>&amp;Zahlen:</translation>
    </message>
    <message>
        <source>&amp;Rounded weights:</source>
        <translation>&amp;Gerundete Gewichte:</translation>
    </message>
    <message>
        <source>The assistant starts anew with these settings; the conversation stays. A question that is being answered is given up.</source>
        <translation>Der Assistent startet mit diesen Einstellungen neu; das Gespräch bleibt. Eine Frage, die gerade beantwortet wird, wird aufgegeben.</translation>
    </message>
</context>
<context>
    <name>hf::app::Hanging</name>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
    <message>
        <source>Save the layout</source>
        <translation>Anordnung speichern</translation>
    </message>
    <message>
        <source>Name of the layout:</source>
        <translation>Name der Anordnung:</translation>
    </message>
    <message>
        <source>The layout could not be saved: %1</source>
        <translation>Die Anordnung konnte nicht gespeichert werden: %1</translation>
    </message>
    <message>
        <source>The layout &quot;%1&quot; was saved; it is in the menu Layout, Saved layouts and hanging rules.</source>
        <translation>Die Anordnung „%1“ wurde gespeichert; sie steht im Menü Anordnung unter Gespeicherte Anordnungen und Regeln.</translation>
    </message>
</context>
<context>
    <name>hf::app::InputDialog</name>
    <message>
        <source>Keys and mouse</source>
        <translation>Tasten und Maus</translation>
    </message>
    <message>
        <source>Mouse in the images</source>
        <translation>Maus in den Bildern</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>Üblich</translation>
    </message>
    <message>
        <source>Reading stacks</source>
        <translation>Stapel lesen</translation>
    </message>
    <message>
        <source>As in 3D Slicer</source>
        <translation>Wie in 3D Slicer</translation>
    </message>
    <message>
        <source>Own</source>
        <translation>Eigene</translation>
    </message>
    <message>
        <source>Scheme</source>
        <translation>Belegung</translation>
    </message>
    <message>
        <source>Window and level</source>
        <translation>Fensterung</translation>
    </message>
    <message>
        <source>Pan</source>
        <translation>Verschieben</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>Vergrößern</translation>
    </message>
    <message>
        <source>Scroll</source>
        <translation>Blättern</translation>
    </message>
    <message>
        <source>Move the crosshair</source>
        <translation>Fadenkreuz verschieben</translation>
    </message>
    <message>
        <source>Left drag without another tool</source>
        <translation>Links ziehen ohne anderes Werkzeug</translation>
    </message>
    <message>
        <source>Middle drag</source>
        <translation>Mitte ziehen</translation>
    </message>
    <message>
        <source>Right drag</source>
        <translation>Rechts ziehen</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>Tasten</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>Befehle</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>Befehl</translation>
    </message>
    <message>
        <source>New key of the chosen command</source>
        <translation>Neue Taste des gewählten Befehls</translation>
    </message>
    <message>
        <source>No key</source>
        <translation>Keine Taste</translation>
    </message>
    <message>
        <source>As delivered</source>
        <translation>Wie geliefert</translation>
    </message>
    <message>
        <source>New key:</source>
        <translation>Neue Taste:</translation>
    </message>
    <message>
        <source>%1 moves in the images and through the window; choose another key.</source>
        <translation>%1 bewegt in den Bildern und durch das Fenster; bitte eine andere Taste wählen.</translation>
    </message>
    <message>
        <source>%1 was the key of &quot;%2&quot;, which has lost it.</source>
        <translation>%1 war die Taste von „%2“, das sie nun nicht mehr hat.</translation>
    </message>
</context>
<context>
    <name>hf::app::Library</name>
    <message>
        <source>The list of studies was made by a later version of Hounsfield and is left as it is. Studies can be opened, but they are not kept in the list. Use the later version.</source>
        <translation>Die Studienliste stammt von einer neueren Version von Hounsfield und bleibt, wie sie ist. Studien lassen sich öffnen, werden aber nicht in die Liste aufgenommen. Bitte die neuere Version verwenden.</translation>
    </message>
    <message>
        <source>The list of studies cannot be used: %1. Studies can be opened, but they are not kept in the list.</source>
        <translation>Die Studienliste ist nicht verwendbar: %1. Studien lassen sich öffnen, werden aber nicht in die Liste aufgenommen.</translation>
    </message>
    <message>
        <source>The list of studies was damaged. It is kept as %1; a new list was begun. Copied studies are taken in again, others when you open them.</source>
        <translation>Die Studienliste war beschädigt. Sie bleibt als %1 erhalten; eine neue Liste wurde begonnen. Kopierte Studien werden wieder aufgenommen, andere beim Öffnen.</translation>
    </message>
    <message>
        <source>%1 files are no images.</source>
        <translation>%1 Dateien sind keine Bilder.</translation>
    </message>
    <message>
        <source>%1 files were left out: they are other copies of images that are there.</source>
        <translation>%1 Dateien wurden ausgelassen: Sie sind andere Kopien vorhandener Bilder.</translation>
    </message>
    <message>
        <source>The import that was interrupted is done.</source>
        <translation>Der unterbrochene Import ist abgeschlossen.</translation>
    </message>
    <message>
        <source>1 study</source>
        <translation>1 Studie</translation>
    </message>
    <message>
        <source>%1 studies</source>
        <translation>%1 Studien</translation>
    </message>
    <message>
        <source>1 image</source>
        <translation>1 Bild</translation>
    </message>
    <message>
        <source>%1 images</source>
        <translation>%1 Bilder</translation>
    </message>
    <message>
        <source>1 file is no image.</source>
        <translation>1 Datei ist kein Bild.</translation>
    </message>
    <message>
        <source>1 file was left out: it is another copy of an image that is there.</source>
        <translation>1 Datei wurde ausgelassen: Sie ist eine andere Kopie eines vorhandenen Bildes.</translation>
    </message>
    <message>
        <source>Taken in: %1, %2 series, %3.</source>
        <translation>Aufgenommen: %1, Serien: %2, %3.</translation>
    </message>
</context>
<context>
    <name>hf::app::LibraryWindow</name>
    <message>
        <source>Copy the images when importing</source>
        <translation>Bilder beim Importieren kopieren</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Remove ...</source>
        <translation>Entfernen ...</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Import folder ...</source>
        <translation>Ordner importieren ...</translation>
    </message>
    <message>
        <source>Import files ...</source>
        <translation>Dateien importieren ...</translation>
    </message>
    <message>
        <source>Studies on this computer</source>
        <translation>Studien auf diesem Rechner</translation>
    </message>
    <message>
        <source>Search name, ID, date, modality or description</source>
        <translation>Name, ID, Datum, Modalität oder Beschreibung suchen</translation>
    </message>
    <message>
        <source>Search the studies</source>
        <translation>Studien durchsuchen</translation>
    </message>
    <message>
        <source>Studies</source>
        <translation>Studien</translation>
    </message>
    <message>
        <source>Patient</source>
        <translation>Patient</translation>
    </message>
    <message>
        <source>ID</source>
        <translation>ID</translation>
    </message>
    <message>
        <source>Born</source>
        <translation>Geboren</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>Datum</translation>
    </message>
    <message>
        <source>Modality</source>
        <translation>Modalität</translation>
    </message>
    <message>
        <source>Description</source>
        <translation>Beschreibung</translation>
    </message>
    <message>
        <source>Series</source>
        <translation>Serien</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Place</source>
        <translation>Ort</translation>
    </message>
    <message>
        <source>Series of the chosen study</source>
        <translation>Serien der gewählten Studie</translation>
    </message>
    <message>
        <source>Copies are kept in the program&apos;s own folder, for media that are taken out. Without copies the images are opened where they are.</source>
        <translation>Kopien liegen im eigenen Ordner des Programms, für Medien, die entnommen werden. Ohne Kopien werden die Bilder dort geöffnet, wo sie liegen.</translation>
    </message>
    <message>
        <source>Importing ...</source>
        <translation>Importieren ...</translation>
    </message>
    <message>
        <source>Cancelled. What was taken in before stays.</source>
        <translation>Abgebrochen. Was vorher aufgenommen wurde, bleibt.</translation>
    </message>
    <message>
        <source>The import did not work: %1.</source>
        <translation>Der Import ist nicht gelungen: %1.</translation>
    </message>
    <message>
        <source>copied</source>
        <translation>kopiert</translation>
    </message>
    <message>
        <source>in place</source>
        <translation>am Ort</translation>
    </message>
    <message>
        <source>No study matches. Fewer words find more.</source>
        <translation>Keine Studie passt. Weniger Wörter finden mehr.</translation>
    </message>
    <message>
        <source>No studies yet. What you open is listed here from then on.
Import a folder, files, a DICOMDIR or a ZIP archive, or drop them here.</source>
        <translation>Noch keine Studien. Was geöffnet wird, steht danach hier.
Einen Ordner, Dateien, ein DICOMDIR oder ein ZIP-Archiv importieren oder hier ablegen.</translation>
    </message>
    <message>
        <source>%1 images</source>
        <translation>%1 Bilder</translation>
    </message>
    <message>
        <source>Import folder</source>
        <translation>Ordner importieren</translation>
    </message>
    <message>
        <source>Import files</source>
        <translation>Dateien importieren</translation>
    </message>
    <message>
        <source>Hounsfield</source>
        <translation>Hounsfield</translation>
    </message>
    <message>
        <source>Remove this study from the list?</source>
        <translation>Diese Studie aus der Liste entfernen?</translation>
    </message>
    <message>
        <source>Remove %1 studies from the list?</source>
        <translation>%1 Studien aus der Liste entfernen?</translation>
    </message>
    <message>
        <source>The copied images are deleted; this cannot be undone. Images that were opened in place stay where they are.</source>
        <translation>Die kopierten Bilder werden gelöscht; das lässt sich nicht rückgängig machen. Am Ort geöffnete Bilder bleiben, wo sie sind.</translation>
    </message>
    <message>
        <source>The images stay where they are; opening them lists them again.</source>
        <translation>Die Bilder bleiben, wo sie sind; beim Öffnen stehen sie wieder in der Liste.</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Going on with the import that was interrupted ...</source>
        <translation>Der unterbrochene Import wird fortgesetzt ...</translation>
    </message>
    <message>
        <source>1 image</source>
        <translation>1 Bild</translation>
    </message>
</context>
<context>
    <name>hf::app::Loader</name>
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
    <name>hf::app::MainWindow</name>
    <message>
        <source>Assistant ...</source>
        <translation>Assistent ...</translation>
    </message>
    <message>
        <source>Hounsfield</source>
        <translation>Hounsfield</translation>
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
        <source>Measurements</source>
        <translation>Messungen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>1 file could not be used.</source>
        <translation>1 Datei konnte nicht verwendet werden.</translation>
    </message>
    <message>
        <source>%1 files could not be used.</source>
        <translation>%1 Dateien konnten nicht verwendet werden.</translation>
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
        <source>These files of hanging rules were refused.</source>
        <translation>Diese Dateien mit Anordnungsregeln wurden abgelehnt.</translation>
    </message>
    <message>
        <source>Hanging rules refused: %1</source>
        <translation>Anordnungsregeln abgelehnt: %1</translation>
    </message>
    <message>
        <source>The images of this study are no longer where they were.</source>
        <translation>Die Bilder dieser Studie liegen nicht mehr dort, wo sie waren.</translation>
    </message>
    <message>
        <source>Some images of this study are no longer where they were.</source>
        <translation>Einige Bilder dieser Studie liegen nicht mehr dort, wo sie waren.</translation>
    </message>
    <message>
        <source>They were at %1. Insert the medium, or open the folder where they are now; the list follows.</source>
        <translation>Sie lagen unter %1. Das Medium einlegen oder den Ordner öffnen, in dem sie jetzt liegen; die Liste folgt.</translation>
    </message>
    <message>
        <source>%1 files are no longer there, the first is %2. The others are opened.</source>
        <translation>%1 Dateien sind nicht mehr da, die erste ist %2. Die anderen werden geöffnet.</translation>
    </message>
    <message>
        <source>&amp;Settings</source>
        <translation>&amp;Einstellungen</translation>
    </message>
    <message>
        <source>Light panels</source>
        <translation>Helle Bedienfelder</translation>
    </message>
    <message>
        <source>Mouse: left drag scrolls, right drag changes the window</source>
        <translation>Maus: links ziehen blättert, rechts ziehen ändert das Fenster</translation>
    </message>
    <message>
        <source>%1 (without: %2)</source>
        <translation>%1 (ohne: %2)</translation>
    </message>
    <message>
        <source>None: the image as stored</source>
        <translation>Keine: das Bild wie gespeichert</translation>
    </message>
    <message>
        <source>Presentation state</source>
        <translation>Darstellungszustand</translation>
    </message>
    <message>
        <source>Choose the presentation state</source>
        <translation>Darstellungszustand wählen</translation>
    </message>
    <message>
        <source>The images could not be subtracted.</source>
        <translation>Die Bilder konnten nicht subtrahiert werden.</translation>
    </message>
    <message>
        <source>Subtract the mask</source>
        <translation>Maske subtrahieren</translation>
    </message>
    <message>
        <source>Take this image as the mask</source>
        <translation>Dieses Bild als Maske nehmen</translation>
    </message>
    <message>
        <source>Mouse: left drag changes the window, right drag zooms</source>
        <translation>Maus: links ziehen fenstert, rechts ziehen vergrößert</translation>
    </message>
    <message>
        <source>Mouse as in 3D Slicer: left drag moves the crosshair, right drag zooms</source>
        <translation>Maus wie in 3D Slicer: links ziehen verschiebt das Fadenkreuz, rechts ziehen vergrößert</translation>
    </message>
    <message>
        <source>Keys and mouse ...</source>
        <translation>Tasten und Maus ...</translation>
    </message>
    <message>
        <source>One file is no longer there: %1. The others are opened.</source>
        <translation>Eine Datei ist nicht mehr da: %1. Die anderen werden geöffnet.</translation>
    </message>
</context>
<context>
    <name>hf::app::RefusedFilesDialog</name>
    <message>
        <source>Files that could not be used</source>
        <translation>Dateien, die nicht verwendet werden konnten</translation>
    </message>
    <message>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>Reason</source>
        <translation>Grund</translation>
    </message>
    <message>
        <source>Copy the list</source>
        <translation>Liste kopieren</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>hf::app::SeriesPlacer</name>
    <message>
        <source>unknown patient</source>
        <translation>unbekannter Patient</translation>
    </message>
    <message>
        <source>Two patients</source>
        <translation>Zwei Patienten</translation>
    </message>
    <message>
        <source>This series may show another patient than the other views.</source>
        <translation>Diese Serie zeigt vielleicht einen anderen Patienten als die übrigen Ansichten.</translation>
    </message>
    <message>
        <source>Shown: %1
This series: %2

If both are shown, every view is marked until one of them is gone.</source>
        <translation>Gezeigt: %1
Diese Serie: %2

Werden beide gezeigt, ist jede Ansicht gekennzeichnet, bis einer von beiden entfernt ist.</translation>
    </message>
    <message>
        <source>Show both patients</source>
        <translation>Beide Patienten zeigen</translation>
    </message>
</context>
<context>
    <name>hf::app::StartPage</name>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Open folder ...</source>
        <translation>Ordner öffnen ...</translation>
    </message>
    <message>
        <source>Open files ...</source>
        <translation>Dateien öffnen ...</translation>
    </message>
    <message>
        <source>Open the sample study</source>
        <translation>Beispielstudie öffnen</translation>
    </message>
    <message>
        <source>Open a study</source>
        <translation>Studie öffnen</translation>
    </message>
    <message>
        <source>The window stays usable meanwhile.</source>
        <translation>Das Fenster bleibt währenddessen bedienbar.</translation>
    </message>
    <message>
        <source>Drop a folder, DICOM files, a DICOMDIR or a ZIP archive here.
Nothing leaves this computer.</source>
        <translation>Ziehen Sie einen Ordner, DICOM-Dateien, ein DICOMDIR oder ein ZIP-Archiv hierher.
Nichts verlässt diesen Rechner.</translation>
    </message>
    <message>
        <source>Studies on this computer ...</source>
        <translation>Studien auf diesem Rechner ...</translation>
    </message>
</context>
<context>
    <name>hf::app::ViewActions</name>
    <message>
        <source>&amp;Layout</source>
        <translation>An&amp;ordnung</translation>
    </message>
    <message>
        <source>Planes and volume of one series</source>
        <translation>Ebenen und Volumen einer Serie</translation>
    </message>
    <message>
        <source>1 view</source>
        <translation>1 Ansicht</translation>
    </message>
    <message>
        <source>2 views side by side</source>
        <translation>2 Ansichten nebeneinander</translation>
    </message>
    <message>
        <source>3 views side by side</source>
        <translation>3 Ansichten nebeneinander</translation>
    </message>
    <message>
        <source>2 x 2 views</source>
        <translation>2 x 2 Ansichten</translation>
    </message>
    <message>
        <source>2 views one above the other</source>
        <translation>2 Ansichten übereinander</translation>
    </message>
    <message>
        <source>2 x 3 views</source>
        <translation>2 x 3 Ansichten</translation>
    </message>
    <message>
        <source>2 x 4 views</source>
        <translation>2 x 4 Ansichten</translation>
    </message>
    <message>
        <source>3 x 3 views</source>
        <translation>3 x 3 Ansichten</translation>
    </message>
    <message>
        <source>3 x 4 views</source>
        <translation>3 x 4 Ansichten</translation>
    </message>
    <message>
        <source>Next view</source>
        <translation>Nächste Ansicht</translation>
    </message>
    <message>
        <source>Previous view</source>
        <translation>Vorige Ansicht</translation>
    </message>
    <message>
        <source>Show the listed series in the active view</source>
        <translation>Serie der Liste in der aktiven Ansicht zeigen</translation>
    </message>
    <message>
        <source>Empty the active view</source>
        <translation>Aktive Ansicht leeren</translation>
    </message>
    <message>
        <source>Go to the list of studies</source>
        <translation>Zur Liste der Studien</translation>
    </message>
    <message>
        <source>Scroll together</source>
        <translation>Gemeinsam blättern</translation>
    </message>
    <message>
        <source>These places match: scroll together from here</source>
        <translation>Diese Stellen gehören zusammen: ab hier gemeinsam blättern</translation>
    </message>
    <message>
        <source>Forget the places that were matched</source>
        <translation>Zugeordnete Stellen vergessen</translation>
    </message>
    <message>
        <source>Show this place in all series</source>
        <translation>Diese Stelle in allen Serien zeigen</translation>
    </message>
    <message>
        <source>Reference lines</source>
        <translation>Referenzlinien</translation>
    </message>
    <message>
        <source>Oblique planes</source>
        <translation>Schräge Ebenen</translation>
    </message>
    <message>
        <source>Turn the other planes right</source>
        <translation>Die anderen Ebenen nach rechts drehen</translation>
    </message>
    <message>
        <source>Turn the other planes left</source>
        <translation>Die anderen Ebenen nach links drehen</translation>
    </message>
    <message>
        <source>Turn the other planes right by 10°</source>
        <translation>Die anderen Ebenen um 10° nach rechts drehen</translation>
    </message>
    <message>
        <source>Turn the other planes left by 10°</source>
        <translation>Die anderen Ebenen um 10° nach links drehen</translation>
    </message>
    <message>
        <source>Tilt the plane up</source>
        <translation>Ebene nach oben kippen</translation>
    </message>
    <message>
        <source>Tilt the plane down</source>
        <translation>Ebene nach unten kippen</translation>
    </message>
    <message>
        <source>Tilt the plane right</source>
        <translation>Ebene nach rechts kippen</translation>
    </message>
    <message>
        <source>Tilt the plane left</source>
        <translation>Ebene nach links kippen</translation>
    </message>
    <message>
        <source>Straight planes</source>
        <translation>Gerade Ebenen</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Show in view &amp;%1</source>
        <translation>In Ansicht &amp;%1 zeigen</translation>
    </message>
    <message>
        <source>Saved layouts and hanging rules</source>
        <translation>Gespeicherte Anordnungen und Regeln</translation>
    </message>
    <message>
        <source>Arrange the study by its rule</source>
        <translation>Studie nach ihrer Regel anordnen</translation>
    </message>
    <message>
        <source>Save this layout ...</source>
        <translation>Diese Anordnung speichern ...</translation>
    </message>
    <message>
        <source>Read the layouts again</source>
        <translation>Anordnungen neu einlesen</translation>
    </message>
    <message>
        <source>Open the folder of layouts</source>
        <translation>Ordner der Anordnungen öffnen</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>Crop box</source>
        <translation>Ausschnittsquader</translation>
    </message>
    <message>
        <source>Cut at the active plane</source>
        <translation>An der aktiven Ebene schneiden</translation>
    </message>
    <message>
        <source>Shading</source>
        <translation>Schattierung</translation>
    </message>
    <message>
        <source>From the front</source>
        <translation>Von vorn</translation>
    </message>
    <message>
        <source>From behind</source>
        <translation>Von hinten</translation>
    </message>
    <message>
        <source>From the left</source>
        <translation>Von links</translation>
    </message>
    <message>
        <source>From the right</source>
        <translation>Von rechts</translation>
    </message>
    <message>
        <source>From above</source>
        <translation>Von oben</translation>
    </message>
    <message>
        <source>From below</source>
        <translation>Von unten</translation>
    </message>
    <message>
        <source>Next study</source>
        <translation>Nächste Studie</translation>
    </message>
    <message>
        <source>Previous study</source>
        <translation>Vorige Studie</translation>
    </message>
    <message>
        <source>Turn the planes</source>
        <translation>Ebenen drehen</translation>
    </message>
</context>
<context>
    <name>hf::app::WindowActions</name>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>Open folder ...</source>
        <translation>Ordner öffnen ...</translation>
    </message>
    <message>
        <source>Open files ...</source>
        <translation>Dateien öffnen ...</translation>
    </message>
    <message>
        <source>Open the sample study</source>
        <translation>Beispielstudie öffnen</translation>
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
        <source>&amp;Edit</source>
        <translation>&amp;Bearbeiten</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>Wiederholen</translation>
    </message>
    <message>
        <source>Undo: %1</source>
        <translation>Rückgängig: %1</translation>
    </message>
    <message>
        <source>Redo: %1</source>
        <translation>Wiederholen: %1</translation>
    </message>
    <message>
        <source>Next measurement</source>
        <translation>Nächste Messung</translation>
    </message>
    <message>
        <source>Previous measurement</source>
        <translation>Vorige Messung</translation>
    </message>
    <message>
        <source>Text of the measurement</source>
        <translation>Text der Messung</translation>
    </message>
    <message>
        <source>Remove the measurement</source>
        <translation>Messung entfernen</translation>
    </message>
    <message>
        <source>Remove all measurements</source>
        <translation>Alle Messungen entfernen</translation>
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
        <source>One to one</source>
        <translation>Eins zu eins</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>Zurücksetzen</translation>
    </message>
    <message>
        <source>Flip left and right</source>
        <translation>Links und rechts spiegeln</translation>
    </message>
    <message>
        <source>Flip up and down</source>
        <translation>Oben und unten spiegeln</translation>
    </message>
    <message>
        <source>Turn right</source>
        <translation>Nach rechts drehen</translation>
    </message>
    <message>
        <source>Turn left</source>
        <translation>Nach links drehen</translation>
    </message>
    <message>
        <source>Invert</source>
        <translation>Invertieren</translation>
    </message>
    <message>
        <source>Open or close the shutter</source>
        <translation>Blende öffnen oder schließen</translation>
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
        <source>3D preset</source>
        <translation>3D-Voreinstellung</translation>
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
        <source>As stored, the next of several</source>
        <translation>Wie gespeichert, das nächste von mehreren</translation>
    </message>
    <message>
        <source>&amp;Tools</source>
        <translation>&amp;Werkzeuge</translation>
    </message>
    <message>
        <source>Window and level</source>
        <translation>Fensterung</translation>
    </message>
    <message>
        <source>Pan</source>
        <translation>Verschieben</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>Vergrößern</translation>
    </message>
    <message>
        <source>Scroll</source>
        <translation>Blättern</translation>
    </message>
    <message>
        <source>Magnifier</source>
        <translation>Lupe</translation>
    </message>
    <message>
        <source>Distance</source>
        <translation>Strecke</translation>
    </message>
    <message>
        <source>Angle</source>
        <translation>Winkel</translation>
    </message>
    <message>
        <source>Cobb angle</source>
        <translation>Cobb-Winkel</translation>
    </message>
    <message>
        <source>Ellipse</source>
        <translation>Ellipse</translation>
    </message>
    <message>
        <source>Rectangle</source>
        <translation>Rechteck</translation>
    </message>
    <message>
        <source>Polygon</source>
        <translation>Vieleck</translation>
    </message>
    <message>
        <source>Freehand outline</source>
        <translation>Freihandumriss</translation>
    </message>
    <message>
        <source>Arrow</source>
        <translation>Pfeil</translation>
    </message>
    <message>
        <source>Text on the image</source>
        <translation>Text auf dem Bild</translation>
    </message>
    <message>
        <source>Probe</source>
        <translation>Messpunkt</translation>
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
    <message>
        <source>Images a second</source>
        <translation>Bilder je Sekunde</translation>
    </message>
    <message>
        <source> /s</source>
        <translation> /s</translation>
    </message>
    <message>
        <source>&lt;b&gt;Hounsfield %1&lt;/b&gt;&lt;p&gt;DICOM viewer with a local radiology assistant. Everything runs on this computer.&lt;/p&gt;&lt;p&gt;Not a medical device. Not for diagnosis.&lt;/p&gt;</source>
        <translation>&lt;b&gt;Hounsfield %1&lt;/b&gt;&lt;p&gt;DICOM-Betrachter mit einem lokalen radiologischen Assistenten. Alles läuft auf diesem Rechner.&lt;/p&gt;&lt;p&gt;Kein Medizinprodukt. Nicht zur Diagnose.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>Play the images</source>
        <translation>Bilder abspielen</translation>
    </message>
    <message>
        <source>Play faster</source>
        <translation>Schneller abspielen</translation>
    </message>
    <message>
        <source>Play slower</source>
        <translation>Langsamer abspielen</translation>
    </message>
    <message>
        <source>Wheel</source>
        <translation>Mausrad</translation>
    </message>
    <message>
        <source>next slice; with Shift ten; with Ctrl zoom</source>
        <translation>nächste Schicht; mit Umschalt zehn; mit Strg vergrößern</translation>
    </message>
    <message>
        <source>Left drag</source>
        <translation>Links ziehen</translation>
    </message>
    <message>
        <source>Left click</source>
        <translation>Linksklick</translation>
    </message>
    <message>
        <source>moves the crosshair in all planes</source>
        <translation>setzt das Fadenkreuz in allen Ebenen</translation>
    </message>
    <message>
        <source>Shift + move</source>
        <translation>Umschalt + bewegen</translation>
    </message>
    <message>
        <source>the crosshair follows</source>
        <translation>das Fadenkreuz folgt</translation>
    </message>
    <message>
        <source>Middle drag</source>
        <translation>Mitte ziehen</translation>
    </message>
    <message>
        <source>pan</source>
        <translation>verschieben</translation>
    </message>
    <message>
        <source>Right drag, click</source>
        <translation>Rechts ziehen, Klick</translation>
    </message>
    <message>
        <source>Double click</source>
        <translation>Doppelklick</translation>
    </message>
    <message>
        <source>one view, all views; on a measurement its text</source>
        <translation>eine Ansicht, alle Ansichten; auf einer Messung deren Text</translation>
    </message>
    <message>
        <source>Up, Down</source>
        <translation>Auf, Ab</translation>
    </message>
    <message>
        <source>next and previous slice; with Shift ten</source>
        <translation>nächste und vorige Schicht; mit Umschalt zehn</translation>
    </message>
    <message>
        <source>Home, End</source>
        <translation>Pos1, Ende</translation>
    </message>
    <message>
        <source>last and first slice</source>
        <translation>letzte und erste Schicht</translation>
    </message>
    <message>
        <source>Right, Left</source>
        <translation>Rechts, Links</translation>
    </message>
    <message>
        <source>next and previous series</source>
        <translation>nächste und vorige Serie</translation>
    </message>
    <message>
        <source>Enter, Backspace</source>
        <translation>Eingabe, Rücktaste</translation>
    </message>
    <message>
        <source>while drawing: closes a polygon, takes a corner back</source>
        <translation>beim Zeichnen: schließt ein Vieleck, nimmt eine Ecke zurück</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Tags of the image ...</source>
        <translation>Attribute des Bilds ...</translation>
    </message>
    <message>
        <source>Thick slices</source>
        <translation>Dicke Schichten</translation>
    </message>
    <message>
        <source>Thin slices</source>
        <translation>Dünne Schichten</translation>
    </message>
    <message>
        <source>Maximum (MIP)</source>
        <translation>Maximum (MIP)</translation>
    </message>
    <message>
        <source>Minimum (MinIP)</source>
        <translation>Minimum (MinIP)</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>Mittelwert</translation>
    </message>
    <message>
        <source>Thicker</source>
        <translation>Dicker</translation>
    </message>
    <message>
        <source>Thinner</source>
        <translation>Dünner</translation>
    </message>
    <message>
        <source>Move and turn the planes</source>
        <translation>Ebenen verschieben und drehen</translation>
    </message>
    <message>
        <source>Studies on this computer ...</source>
        <translation>Studien auf diesem Rechner ...</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>left drag turns, with Ctrl it moves the values of the preset; middle drag pans, right drag zooms</source>
        <translation>links ziehen dreht, mit Strg verschiebt es die Werte der Voreinstellung; Mitte verschiebt, rechts zoomt</translation>
    </message>
    <message>
        <source>Key image</source>
        <translation>Schlüsselbild</translation>
    </message>
    <message>
        <source>window and level</source>
        <translation>Fensterung</translation>
    </message>
    <message>
        <source>zoom</source>
        <translation>vergrößern</translation>
    </message>
    <message>
        <source>scroll</source>
        <translation>blättern</translation>
    </message>
    <message>
        <source>move the crosshair</source>
        <translation>Fadenkreuz verschieben</translation>
    </message>
    <message>
        <source>the chosen tool; at first: %1; with Shift pan</source>
        <translation>das gewählte Werkzeug; zuerst: %1; mit Umschalt verschieben</translation>
    </message>
    <message>
        <source>%1, menu</source>
        <translation>%1, Menü</translation>
    </message>
    <message>
        <source>Page Down, Page Up</source>
        <translation>Bild ab, Bild auf</translation>
    </message>
    <message>
        <source>next and previous study</source>
        <translation>nächste und vorige Studie</translation>
    </message>
    <message>
        <source>Tab</source>
        <translation>Tab</translation>
    </message>
    <message>
        <source>next view</source>
        <translation>nächste Ansicht</translation>
    </message>
    <message>
        <source>Choose an expert</source>
        <translation>Experten wählen</translation>
    </message>
    <message>
        <source>Run the chosen expert, or stop it</source>
        <translation>Den gewählten Experten starten oder anhalten</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>Ganzer Bildschirm</translation>
    </message>
    <message>
        <source>Panel: studies</source>
        <translation>Bereich: Studien</translation>
    </message>
    <message>
        <source>Panel: measurements</source>
        <translation>Bereich: Messungen</translation>
    </message>
    <message>
        <source>Panel: assistant</source>
        <translation>Bereich: Assistent</translation>
    </message>
    <message>
        <source>Panel: labels and experts</source>
        <translation>Bereich: Strukturen und Experten</translation>
    </message>
    <message>
        <source>Files that could not be used ...</source>
        <translation>Dateien, die nicht verwendet werden konnten ...</translation>
    </message>
    <message>
        <source>Move the measurement by keys</source>
        <translation>Messung mit Tasten bewegen</translation>
    </message>
    <message>
        <source>With a drawing tool: arrows</source>
        <translation>Mit einem Zeichenwerkzeug: Pfeile</translation>
    </message>
    <message>
        <source>move the cursor of the keyboard, with Shift by ten pixels; Enter brings it back after the mouse was used</source>
        <translation>bewegen den Cursor der Tastatur, mit Umschalt um zehn Pixel; Eingabe holt ihn zurück, nachdem die Maus benutzt wurde</translation>
    </message>
    <message>
        <source>Enter, Space</source>
        <translation>Eingabe, Leertaste</translation>
    </message>
    <message>
        <source>set a point at that cursor; a second time at the same place they close a polygon; of a freehand outline they are its begin and its end</source>
        <translation>setzen dort einen Punkt; ein zweites Mal an derselben Stelle schließen sie ein Vieleck; bei einem Freihandumriss sind sie Anfang und Ende</translation>
    </message>
    <message>
        <source>Moving by keys: arrows</source>
        <translation>Mit Tasten bewegen: Pfeile</translation>
    </message>
    <message>
        <source>move the whole, Tab takes the next handle, Enter keeps it, Escape gives it up</source>
        <translation>bewegen das Ganze, Tab nimmt den nächsten Griff, Eingabe behält es, Escape gibt es auf</translation>
    </message>
</context>
</TS>
